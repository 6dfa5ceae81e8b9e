import type { PlaylistNumbers, Segment } from './live-playlist';

/** A media playlist that this program, or that of another node, stored before. */
export interface StoredPlaylist extends PlaylistNumbers {
  readonly segments: readonly Segment[];
  readonly isEnded: boolean;
}

/** Reads what `LivePlaylist` has written; undefined: it is something else. */
export function readPlaylist(text: string): StoredPlaylist | undefined {
  if (!text.startsWith('#EXTM3U\n')) return undefined;
  const sequence = numberOf(text, 'MEDIA-SEQUENCE');
  if (sequence === undefined) return undefined;
  const segments: Segment[] = [];
  const isIndependent = text.includes('#EXT-X-INDEPENDENT-SEGMENTS');
  let init = '';
  let date = 0;
  let duration = 0;
  let isDiscontinuous = false;
  for (const line of text.split('\n')) {
    const [, tag, value = ''] = /^#(EXT[A-Z-]*):?(.*)$/.exec(line) ?? [];
    if (tag === 'EXT-X-DISCONTINUITY') isDiscontinuous = true;
    else if (tag === 'EXT-X-MAP') init = /URI="([^"]*)"/.exec(value)?.[1] ?? '';
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') date = Date.parse(value);
    else if (tag === 'EXTINF') duration = Math.round(parseFloat(value) * 1000);
    else if (tag === undefined && line !== '' && !line.startsWith('#')) {
      if (init === '' || !Number.isFinite(date) || !Number.isFinite(duration)) return undefined;
      segments.push({ name: line, duration, init, date, isDiscontinuous, isIndependent, bytes: 0, parts: [] });
      isDiscontinuous = false;
    }
  }
  return {
    mediaSequence: sequence,
    discontinuitySequence: numberOf(text, 'DISCONTINUITY-SEQUENCE') ?? 0,
    segments,
    isEnded: text.includes('#EXT-X-ENDLIST'),
  };
}

function numberOf(text: string, tag: string): number | undefined {
  const found = new RegExp(`^#EXT-X-${tag}:(\\d+)$`, 'm').exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
