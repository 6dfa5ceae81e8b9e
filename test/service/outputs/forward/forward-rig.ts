import { afterEach } from '@jest/globals';
import { AddressRules } from '../../../../service/addresses/address-rules';
import type { Fact } from '../../../../service/events/fact';
import type { ForwardStatus } from '../../../../service/http/api/schemas/output';
import { openForward, type ForwardOptions } from '../../../../service/outputs/forward/forward';
import type { MediaMessage, Output } from '../../../../service/outputs/stream/output';
import { MediaTag, readAudioTag, readVideoTag } from '../../../../service/protocol/media/media-tag';
import { amfEncode, ecma } from '../../../support/rtmp/amf-test-codec';
import type { MediaItem } from '../../../support/rtmp/media';
import { MessageType } from '../../../support/rtmp/wire-builder';
import { MemoryLogger } from '../../../support/memory-logger';

const open = new Set<Output>();

afterEach(async () => {
  const ending = { code: 'unpublished', reason: 'the test is over' };
  await Promise.all([...open].map((output) => output.end(ending)));
  open.clear();
});

export interface TestForward {
  readonly output: Output;
  readonly log: MemoryLogger;
  readonly facts: Fact[];
  status(): ForwardStatus;
  /** Writes the items and flushes. */
  feed(items: readonly MediaItem[], offsetMs?: number): void;
  metadata(): void;
  /** Resolves when the state is this one; rejects after `timeoutMs`. */
  reaches(state: ForwardStatus['state'], timeoutMs?: number): Promise<void>;
  /** Resolves when a fact of this type has come, the given number of times. */
  tells(type: Fact['type'], times?: number, timeoutMs?: number): Promise<Fact>;
}

/** A forward to a target on this machine, which FORWARD_ALLOW contains unless `allow` says otherwise. */
export function testForward(
  url: string,
  options: Partial<Omit<ForwardOptions, 'url'>> & { readonly allow?: readonly string[] } = {},
): TestForward {
  const log = new MemoryLogger();
  const facts: Fact[] = [];
  const { allow = ['127.0.0.0/8', '::1'], ...rest } = options;
  const output = openForward({
    id: 'forward-1',
    origin: 'policy',
    identity: { channel: 'news', streamId: 'id-1', startedAt: 0 },
    url,
    settings: { allow: AddressRules.parse(allow) },
    tell: (fact) => facts.push(fact),
    log,
    ...rest,
  });
  open.add(output);
  const tag = new MediaTag();
  const status = (): ForwardStatus => output.status() as ForwardStatus;
  const until = async (holds: () => boolean, what: string, timeoutMs = 15_000): Promise<void> => {
    const deadline = Date.now() + timeoutMs;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`${what} not seen: ${JSON.stringify([status(), facts])}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return {
    output,
    log,
    facts,
    status,
    feed(items, offsetMs = 0) {
      for (const item of items) output.write(messageOf(item, tag, offsetMs));
      output.flush();
    },
    metadata() {
      const payload = amfEncode('onMetaData', ecma({ encoder: 'test', width: 1280 }));
      output.write({ typeId: MessageType.data, timestamp: 0, payload, flags: 4 });
    },
    reaches: (state, timeoutMs) => until(() => status().state === state, state, timeoutMs),
    async tells(type, times = 1, timeoutMs) {
      const found = (): Fact[] => facts.filter((fact) => fact.type === type);
      await until(() => found().length >= times, type, timeoutMs);
      return found()[times - 1]!;
    },
  };
}

function messageOf({ kind, timestamp, payload }: MediaItem, tag: MediaTag, offsetMs: number): MediaMessage {
  if (kind === 'video') readVideoTag(payload, 0, payload.length, tag);
  else readAudioTag(payload, 0, payload.length, tag);
  const typeId = kind === 'video' ? MessageType.video : MessageType.audio;
  return { typeId, timestamp: timestamp + offsetMs, payload, flags: tag.flags };
}
