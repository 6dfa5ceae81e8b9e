import { Box, createFile, DataStream, type ISOFile, Log, MP4BoxBuffer } from 'mp4box';
import type { Mp4Track } from './mp4-track';

// Otherwise the muxer writes lines about the headers of publishers to standard error, any number and in a form of its own.
Log.error = () => undefined;

/** The versions of the file format that signed composition offsets need. Not CMAF, which has one track in a file. */
const BRANDS = ['iso6', 'mp41'];
const MOVIE_TIMESCALE = 1000;

/** The beginning of an MP4 file, which the fragments behind it need. */
export interface InitSegment {
  readonly bytes: Buffer;
  readonly tracks: readonly Mp4Track[];
}

/** Track ids are the positions in `tracks`, counted from 1. */
export function makeInitSegment(tracks: readonly Mp4Track[]): InitSegment {
  return { bytes: write(tracks), tracks };
}

type Track = Omit<Mp4Track, 'codec'>;

/** What stands in CODECS where this differs from the muxer's name of a codec. */
const CODECS: Readonly<Record<string, string>> = { Opus: 'opus', fLaC: 'fLaC' };

/** The codec of a track as in CODECS of a playlist. Throws if the muxer cannot read the track's configuration. */
export function readCodec(track: Track): string {
  const known = CODECS[track.entry];
  if (known !== undefined) return known;
  const file = createFile();
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(new Uint8Array(write([track])).buffer, 0));
  const { codec } = file.getInfo().tracks[0]!;
  // Of some records it makes a name with `undefined` in it, which players would get in a playlist.
  if (!codec.startsWith(track.entry) || codec.includes('undefined')) throw new Error('the muxer found no codec');
  return codec;
}

function write(tracks: readonly Track[]): Buffer {
  const file = createFile();
  file.init({ brands: BRANDS, timescale: MOVIE_TIMESCALE });
  for (const track of tracks) addTrack(file, track);
  const { moov } = file;
  // The header comes first (ISO/IEC 14496-12 section 6.2.3), and what fragments have in common last.
  moov.boxes = [moov.mvhd, ...moov.traks, moov.mvex].filter((box) => box !== undefined);
  const stream = new DataStream();
  file.write(stream);
  return Buffer.from(stream.buffer, 0, stream.getPosition());
}

function addTrack(file: ISOFile, track: Track): void {
  const box = new Box();
  box.type = track.configType;
  box.data = new Uint8Array(track.config);
  const id = file.addTrack({
    type: track.entry,
    timescale: track.timescale,
    hdlr: track.isVideo ? 'vide' : 'soun',
    name: track.isVideo ? 'Video' : 'Audio',
    width: track.width,
    height: track.height,
    channel_count: track.channels,
    samplerate: track.sampleRate,
    description_boxes: [box],
  } as Parameters<ISOFile['addTrack']>[0]);
  const trak = file.getTrackById(id);
  if (!track.isVideo) trak.tkhd.width = trak.tkhd.height = 0;
  // No language is known: the extended language tag would claim one.
  trak.mdia.boxes = (trak.mdia.boxes ?? []).filter(({ type }) => type !== 'elng');
}
