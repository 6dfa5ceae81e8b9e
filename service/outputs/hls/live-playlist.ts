/** A part of a segment that can be fetched before the segment is complete. */
export interface Part {
  readonly name: string;
  /** ms */
  readonly duration: number;
  readonly isIndependent: boolean;
}

export interface Segment {
  readonly name: string;
  /** ms */
  readonly duration: number;
  /** Name of the init segment. */
  readonly init: string;
  /** When its beginning was published (ms since the epoch). */
  readonly date: number;
  /** Its timeline is not that of the segment before. */
  readonly isDiscontinuous: boolean;
  /** It begins with a keyframe, or there is no video. */
  readonly isIndependent: boolean;
  /** In memory; 0: it is stored. */
  readonly bytes: number;
  readonly parts: readonly Part[];
}

/** The segment that is not complete yet. */
export type OpenSegment = Pick<Segment, 'init' | 'date' | 'isDiscontinuous' | 'parts'>;

export interface PlaylistOptions {
  /** The usual length of segments (ms); those with longer GOPs are longer. */
  readonly segmentMs: number;
  /** The longest part (ms); 0: there are no parts. */
  readonly partMs: number;
}

/** Numbers with which a playlist continues another one. */
export interface PlaylistNumbers {
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
}

/** At least so many segments are listed. A player begins three of them before the end (RFC 8216bis section 6.3.3). */
const LISTED = 6;
/** And they last so many target durations, three of which must stay listed (section 6.2.2). */
const LISTED_TARGETS = 4;
/** Where segments are long and large, memory counts more (bytes). */
const MAX_LISTED_BYTES = 64 * 1024 * 1024;
/** After long segments, a list becomes short again by so many segments with each one that is added. */
const MAX_LEAVING = 2;
/**
 * This many segments, in addition to the one that is being made, list their parts: those within three target durations
 * from the end (section 6.2.2).
 */
const WITH_PARTS = 2;

/** The media playlist of a live stream (RFC 8216bis): its last segments. */
export class LivePlaylist {
  readonly #options: PlaylistOptions;
  #mediaSequence: number;
  #discontinuitySequence: number;
  #segments: Segment[] = [];
  #isEnded = false;

  constructor(options: PlaylistOptions, { mediaSequence, discontinuitySequence }: PlaylistNumbers) {
    this.#options = options;
    this.#mediaSequence = mediaSequence;
    this.#discontinuitySequence = discontinuitySequence;
  }

  /** The number of the segment that comes next. */
  get next(): number {
    return this.#mediaSequence + this.#segments.length;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /**
   * The usual length of segments, and more while a longer one is listed. That it changes is against section 6.2.1, but
   * nobody knows the next keyframe, and players come back after this time: one long segment must not slow down all.
   */
  get targetSeconds(): number {
    return Math.max(1, Math.round(this.#targetMs / 1000));
  }

  /** How long the listed segments last (ms). */
  get duration(): number {
    return durationOf(this.#segments);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Adds a segment, and returns the segments that are not listed any more. */
  add(segment: Segment): readonly Segment[] {
    this.#segments.push(segment);
    const left: Segment[] = [];
    while (left.length < MAX_LEAVING && this.#mayLeave()) left.push(this.#segments.shift()!);
    this.#mediaSequence += left.length;
    this.#discontinuitySequence += left.filter(({ isDiscontinuous }) => isDiscontinuous).length;
    return left;
  }

  end(): void {
    this.#isEnded = true;
  }

  get #targetMs(): number {
    return Math.max(this.#options.segmentMs, ...this.#segments.map(({ duration }) => duration));
  }

  /** Whether the first segment need not be listed any more. */
  #mayLeave(): boolean {
    if (this.#segments.length <= LISTED) return false;
    const bytes = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return bytes > MAX_LISTED_BYTES || durationOf(this.#segments.slice(1)) >= LISTED_TARGETS * this.#targetMs;
  }

  /** @param open the segment that is not complete, and the name of its next part; only where there are parts */
  text(open?: OpenSegment, nextPart?: string): string {
    const { partMs } = this.#options;
    const hasParts = partMs > 0;
    const isIndependent = this.#segments.every((segment) => segment.isIndependent);
    const lines = [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      `#EXT-X-TARGETDURATION:${this.targetSeconds}`,
      ...(hasParts && !this.#isEnded ? serverControl(partMs) : []),
      `#EXT-X-MEDIA-SEQUENCE:${this.#mediaSequence}`,
      `#EXT-X-DISCONTINUITY-SEQUENCE:${this.#discontinuitySequence}`,
      ...(isIndependent ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : []),
    ];
    let init = '';
    const firstWithParts = this.#segments.length - WITH_PARTS;
    this.#segments.forEach((segment, i) => {
      init = head(lines, segment, init);
      if (areListable(segment.parts, partMs) && !this.#isEnded && i >= firstWithParts)
        lines.push(...segment.parts.map(partLine));
      lines.push(`#EXTINF:${seconds(segment.duration)},`, segment.name);
    });
    if (this.#isEnded) lines.push('#EXT-X-ENDLIST');
    else if (open !== undefined && areListable(open.parts, partMs)) {
      head(lines, open, init);
      lines.push(...open.parts.map(partLine));
      if (nextPart !== undefined) lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${nextPart}"`);
    }
    return `${lines.join('\n')}\n`;
  }
}

/**
 * Whether the parts of a segment are listed. None may be longer than announced, and strict players give up when one is:
 * where the video stood still, the segment is listed as a whole.
 */
export function areListable(parts: readonly Part[], partMs: number): boolean {
  return parts.every(({ duration }) => duration <= partMs);
}

function durationOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { duration }) => sum + duration, 0);
}

/** A playlist of everything that was packaged, for a stream that has ended. */
export function wholePlaylist(segments: readonly Segment[]): string {
  const longest = Math.max(1, ...segments.map(({ duration }) => Math.round(duration / 1000)));
  const lines = ['#EXTM3U', '#EXT-X-VERSION:6', `#EXT-X-TARGETDURATION:${longest}`, '#EXT-X-PLAYLIST-TYPE:VOD'];
  lines.push('#EXT-X-MEDIA-SEQUENCE:0');
  if (segments.every(({ isIndependent }) => isIndependent)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  let init = '';
  segments.forEach((segment, i) => {
    init = head(lines, i === 0 ? { ...segment, isDiscontinuous: false } : segment, init);
    lines.push(`#EXTINF:${seconds(segment.duration)},`, segment.name);
  });
  return `${lines.join('\n')}\n#EXT-X-ENDLIST\n`;
}

/** What stands before a segment; returns the name of its init segment. */
function head(lines: string[], { init, date, isDiscontinuous }: OpenSegment | Segment, before: string): string {
  if (isDiscontinuous) lines.push('#EXT-X-DISCONTINUITY');
  if (init !== before) lines.push(`#EXT-X-MAP:URI="${init}"`);
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(date).toISOString()}`);
  return init;
}

function serverControl(partMs: number): string[] {
  return [
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${seconds(3 * partMs)}`,
    `#EXT-X-PART-INF:PART-TARGET=${seconds(partMs)}`,
  ];
}

function partLine({ name, duration, isIndependent }: Part): string {
  return `#EXT-X-PART:DURATION=${seconds(duration)},URI="${name}"${isIndependent ? ',INDEPENDENT=YES' : ''}`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** What stands in a multivariant playlist about its only variant. */
export interface Variant {
  /** bit/s, the highest of any segment, and the mean. */
  readonly peakBitrate: number;
  readonly meanBitrate: number;
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  /** Name of its media playlist. */
  readonly playlist: string;
}

export function multivariantPlaylist({ peakBitrate, meanBitrate, codecs, width, height, playlist }: Variant): string {
  const resolution = width > 0 && height > 0 ? `,RESOLUTION=${width}x${height}` : '';
  const rates = `BANDWIDTH=${Math.ceil(peakBitrate)},AVERAGE-BANDWIDTH=${Math.ceil(meanBitrate)}`;
  return `#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-STREAM-INF:${rates},CODECS="${codecs}"${resolution}\n${playlist}\n`;
}
