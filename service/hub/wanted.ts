import { MediaFlag } from '../protocol/media/media-tag';

/**
 * Which messages of a stream a player is to get, as bits: the media flags Audio, Video and Data for the kinds that it
 * wants, and these.
 */
export const Wanted = {
  Kinds: MediaFlag.Audio | MediaFlag.Video | MediaFlag.Data,
  /** Side tracks too, and multitrack packets as they came. */
  AllTracks: 256,
  /** For now no video frames, only video headers. */
  NoVideoFrames: 512,
} as const;

/** Whether a message with these media flags is among those wanted. */
export function isWanted(flags: number, wanted: number): boolean {
  if ((flags & wanted & Wanted.Kinds) === 0 || isOtherTrack(flags, wanted)) return false;
  const isVideoFrame = (flags & (MediaFlag.Video | MediaFlag.Config)) === MediaFlag.Video;
  return !isVideoFrame || (wanted & Wanted.NoVideoFrames) === 0;
}

/** Whether a message belongs to a side track that is not wanted. */
export function isOtherTrack(flags: number, wanted: number): boolean {
  return (flags & MediaFlag.SideTrack) !== 0 && (wanted & Wanted.AllTracks) === 0;
}

/** Whether only the main track's part of a message is wanted. */
export function isWantedUnwrapped(flags: number, wanted: number): boolean {
  return (flags & MediaFlag.WrappedMain) !== 0 && (wanted & Wanted.AllTracks) === 0;
}
