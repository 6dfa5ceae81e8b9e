import { expect } from '@jest/globals';
import * as HLS from 'hls-parser';
import { HlsChannel } from '../../../../service/outputs/hls/hls-channel';
import { type HlsFact, HlsOutput, type HlsOutputOptions } from '../../../../service/outputs/hls/hls-output';
import type { HlsStore } from '../../../../service/outputs/hls/place';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { MemoryLogger } from '../../../support/memory-logger';
import { aac, avc } from '../../../support/rtmp/media';
import { messagesOf } from '../fmp4/media-messages';

// Throws where a playlist breaks a rule of RFC 8216.
HLS.setOptions({ strictMode: true });

type MediaPlaylist = HLS.types.MediaPlaylist;

export const STARTED_AT = Date.UTC(2026, 10, 30, 12);

/** H.264 and AAC: 25 frames a second, a keyframe every `gopMs`; each frame takes 100 bytes. */
export function media(fromMs: number, seconds: number, gopMs = 1_000): MediaMessage[] {
  const items = [];
  for (let i = 0; i < seconds * 25; i += 1) {
    const payload = ((i * 40) % gopMs === 0 ? avc.keyframe : avc.interFrame)(`v${i}`, 100);
    items.push({ kind: 'video' as const, timestamp: fromMs + i * 40, payload });
  }
  for (let i = 0; i * 1024 < seconds * 48_000; i += 1) {
    items.push({
      kind: 'audio' as const,
      timestamp: fromMs + Math.round((i * 1024) / 48),
      payload: aac.frame('a', 50),
    });
  }
  return messagesOf(items.sort((a, b) => a.timestamp - b.timestamp));
}

export const headers = (at = 0): MediaMessage[] =>
  messagesOf([
    { kind: 'video', timestamp: at, payload: avc.sequenceHeader() },
    { kind: 'audio', timestamp: at, payload: aac.sequenceHeader() },
  ]);

export interface RigOptions extends Partial<Omit<HlsOutputOptions, 'channel' | 'store'>> {
  readonly channel?: HlsChannel;
  readonly store?: HlsStore;
}

/** An output, what it has published so far, and a clock that runs with the media. */
export class HlsRig {
  readonly channel: HlsChannel;
  readonly output: HlsOutput;
  readonly log = new MemoryLogger();
  readonly facts: HlsFact[] = [];
  /** Every version of the media playlist. */
  readonly playlists: string[] = [];
  now = STARTED_AT;

  constructor({ channel = new HlsChannel(), ...options }: RigOptions = {}) {
    this.channel = channel;
    this.output = new HlsOutput({
      id: 'hls',
      origin: 'policy',
      identity: { channel: 'news', streamId: 'id', startedAt: STARTED_AT },
      isRemote: false,
      maxWaitingBytes: 1024 * 1024,
      keepsAll: false,
      segmentMs: 2_000,
      partMs: 0,
      url: '/hls/news/index.m3u8',
      tell: (fact) => this.facts.push(fact),
      log: this.log,
      now: () => this.now,
      ...options,
      channel,
    });
  }

  /** Messages come when they are due. */
  write(messages: readonly MediaMessage[]): void {
    for (const message of messages) {
      this.now = STARTED_AT + message.timestamp;
      this.output.write(message);
      this.#note();
    }
  }

  async end(code = 'stopped'): Promise<void> {
    await this.output.end({ code, reason: '' });
    this.#note();
  }

  get parsed(): MediaPlaylist {
    return parse(this.channel.playlist);
  }

  #note(): void {
    const { playlist } = this.channel;
    if (playlist !== '' && playlist !== this.playlists.at(-1)) this.playlists.push(playlist);
  }
}

export function parse(text: string): MediaPlaylist {
  const playlist = HLS.parse(text);
  if (playlist.isMasterPlaylist) throw new Error('a multivariant playlist');
  return playlist;
}

/** What stands in one playlist must not contradict the one before (RFC 8216bis section 6.2). */
export function expectConsistent(texts: readonly string[]): void {
  const uris = new Map<number, string>();
  const discontinuities = new Map<number, number>();
  let before: MediaPlaylist | undefined;
  for (const text of texts) {
    const playlist = parse(text);
    const base = playlist.mediaSequenceBase ?? 0;
    if (before !== undefined) {
      expect(base).toBeGreaterThanOrEqual(before.mediaSequenceBase ?? 0);
      expect(before.endlist).toBe(false);
    }
    let discontinuity = playlist.discontinuitySequenceBase ?? 0;
    playlist.segments.forEach((segment, i) => {
      if (segment.discontinuity) discontinuity += 1;
      if (segment.uri === '') return; // its parts alone
      const said = `${segment.uri} ${segment.duration} ${segment.programDateTime?.toISOString() ?? ''}`;
      expect(uris.get(base + i) ?? said).toBe(said);
      uris.set(base + i, said);
      expect(discontinuities.get(base + i) ?? discontinuity).toBe(discontinuity);
      discontinuities.set(base + i, discontinuity);
    });
    before = playlist;
  }
}

/** The time of the first sample (ticks) of each track in a segment, and whether its first video sample is a keyframe. */
export function startsWithKeyframe(segment: Buffer): boolean {
  const at = segment.indexOf('trun');
  // Flags of the first sample: behind version and flags, count, data offset, duration and size.
  return segment.readUInt32BE(at + 4 + 4 + 4 + 4 + 8) === 0x02000000;
}
