import fc from 'fast-check';

/** One client's message of a schedule. What it is on the wire depends on the client's state then, see `FuzzClient`. */
export type Saying =
  | { readonly say: 'connect'; readonly app: 'own' | 'bad' | 'empty' }
  | { readonly say: 'publish' | 'play'; readonly streamId: number; readonly key: string; readonly cache?: string }
  | { readonly say: 'deleteStream'; readonly streamId: number | 'name' }
  | { readonly say: 'closeStream' | 'play2'; readonly streamId: number }
  | { readonly say: 'pause' | 'receiveAudio' | 'receiveVideo'; readonly streamId: number; readonly on: boolean }
  | { readonly say: 'call'; readonly name: CallName; readonly silent: boolean }
  | { readonly say: 'frames'; readonly frames: readonly FrameKind[]; readonly form: FrameForm }
  | { readonly say: 'aggregate'; readonly frames: readonly FrameKind[]; readonly to: FrameForm['to'] }
  | { readonly say: 'metadata'; readonly name: '@setDataFrame' | 'onMetaData'; readonly amf3: boolean }
  | { readonly say: 'refusedMetadata' }
  | { readonly say: 'cue' }
  | { readonly say: 'chunkSize'; readonly size: number }
  | { readonly say: 'aborted' }
  | { readonly say: 'ping' }
  | { readonly say: 'window'; readonly size: number }
  | { readonly say: 'noise'; readonly of: 'acknowledgement' | 'bandwidth' | 'bufferLength' | 'empty' | 'unknownType' };

export type CallName =
  | 'createStream'
  | 'releaseStream'
  | 'FCPublish'
  | 'FCUnpublish'
  | 'FCSubscribe'
  | '_checkbw'
  | 'getStreamLength'
  | 'noSuchCommand'
  | '_result';

/** `header`: of a track, as it was sent before; `newHeader`: another one, followed by a keyframe. */
export type FrameKind = 'key' | 'inter' | 'audio' | 'audioHeader' | 'videoHeader' | 'newHeader';

export interface FrameForm {
  /** The message stream: the one that the client publishes on, one whose publish was refused, or none at all. */
  readonly to: 'own' | 'refused' | 'zero';
  /** Chunk header format of each message's first chunk; 1 where a chunk stream allows it. */
  readonly fmt: 0 | 1;
  /** Audio and video on one chunk stream, as some encoders send them. */
  readonly together: boolean;
  /** Chunks of an audio and of a video frame take turns. */
  readonly interleaved: boolean;
  readonly size: number;
}

export type Answer = 'accept' | 'acceptWithPlayKey' | 'refuse' | 'fail';

export type Move =
  /** A client says something; one that is not connected connects first, unless it is `raw`. */
  | {
      readonly move: 'say';
      readonly client: number;
      readonly channel: number;
      readonly raw: boolean;
      readonly amf3: boolean;
      readonly sayings: readonly Saying[];
      /** Where the bytes are cut into segments, in thousandths of their length. */
      readonly cuts: readonly number[];
      /** How many of the last bytes stay behind until the client says more, or leaves. */
      readonly heldBack: number;
      /** False: the next move comes before the server has done all that this one leads to. */
      readonly settles: boolean;
    }
  | { readonly move: 'leave'; readonly client: number; readonly reset: boolean }
  /** Bytes that no server can understand. */
  | { readonly move: 'poison'; readonly client: number; readonly kind: number }
  /** The callback handler answers one of the open questions. */
  | { readonly move: 'answer'; readonly which: number; readonly answer: Answer; readonly settles: boolean }
  | {
      readonly move: 'order';
      readonly verb: 'kill-session' | 'close-stream' | 'block' | 'unblock';
      readonly channel: number;
      readonly right: boolean;
    }
  | { readonly move: 'pass'; readonly seconds: number };

export interface Schedule {
  readonly callback: boolean;
  readonly takeover: boolean;
  readonly chunkSize: number;
  readonly cacheMb: number;
  readonly moves: readonly Move[];
}

export const CLIENTS = 4;
export const CHANNELS = 2;
/** The right key of every channel comes most often. */
const key = fc.constantFrom('k', 'k', 'k', 'k', 'k', 'other', 'bad.key', '');
const streamId = fc.constantFrom(1, 1, 1, 1, 2, 2, 0, 9);
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>): { weight: number; arbitrary: fc.Arbitrary<T> } => ({
  weight,
  arbitrary,
});

const frameKinds = fc.array(
  fc.constantFrom<FrameKind[]>(
    'key',
    'key',
    'inter',
    'inter',
    'inter',
    'audio',
    'audio',
    'audio',
    'audioHeader',
    'videoHeader',
    'newHeader',
  ),
  { minLength: 1, maxLength: 6 },
);

const frames: fc.Arbitrary<Saying> = fc.record({
  say: fc.constant('frames' as const),
  frames: frameKinds,
  form: fc.record({
    to: fc.constantFrom<FrameForm['to'][]>('own', 'own', 'own', 'own', 'own', 'refused', 'zero'),
    fmt: fc.constantFrom<(0 | 1)[]>(0, 1),
    together: fc.boolean(),
    interleaved: fc.boolean(),
    size: fc.constantFrom(8, 40, 127, 128, 129, 300, 1_500),
  }),
});

const saying: fc.Arbitrary<Saying> = fc.oneof(
  often(5, fc.record({ say: fc.constant('publish' as const), streamId, key })),
  often(
    5,
    fc.record({ say: fc.constant('play' as const), streamId, key, cache: fc.constantFrom('', '', '', 'no', 'clear') }),
  ),
  often(8, frames),
  often(
    1,
    fc.record({
      say: fc.constant('aggregate' as const),
      frames: frameKinds,
      to: fc.constantFrom<FrameForm['to'][]>('own', 'own', 'own', 'refused'),
    }),
  ),
  often(
    2,
    fc.record({
      say: fc.constant('metadata' as const),
      name: fc.constantFrom('@setDataFrame' as const, 'onMetaData' as const),
      amf3: fc.boolean(),
    }),
  ),
  often(1, fc.constantFrom<Saying[]>({ say: 'cue' }, { say: 'refusedMetadata' })),
  often(
    2,
    fc.record({
      say: fc.constant('deleteStream' as const),
      streamId: fc.constantFrom<(number | 'name')[]>(1, 1, 1, 2, 2, 0, 9, 'name'),
    }),
  ),
  often(1, fc.record({ say: fc.constantFrom('closeStream' as const, 'play2' as const), streamId })),
  often(2, fc.record({ say: fc.constant('pause' as const), streamId, on: fc.boolean() })),
  often(
    2,
    fc.record({
      say: fc.constantFrom('receiveAudio' as const, 'receiveVideo' as const),
      streamId,
      on: fc.boolean(),
    }),
  ),
  often(
    3,
    fc.record({
      say: fc.constant('call' as const),
      name: fc.constantFrom<CallName[]>(
        'createStream',
        'releaseStream',
        'FCPublish',
        'FCUnpublish',
        'FCSubscribe',
        '_checkbw',
        'getStreamLength',
        'noSuchCommand',
        '_result',
      ),
      silent: fc.boolean(),
    }),
  ),
  often(
    1,
    fc.record({
      say: fc.constant('connect' as const),
      app: fc.constantFrom<('own' | 'bad' | 'empty')[]>('own', 'own', 'bad', 'empty'),
    }),
  ),
  often(1, fc.record({ say: fc.constant('chunkSize' as const), size: fc.constantFrom(1, 64, 128, 4096, 65_536) })),
  often(
    1,
    fc.oneof(
      fc.constantFrom<Saying[]>({ say: 'ping' }, { say: 'aborted' }),
      fc.record({ say: fc.constant('window' as const), size: fc.constantFrom(1_000, 2_500, 2_500_000) }),
      fc.record({
        say: fc.constant('noise' as const),
        of: fc.constantFrom<('acknowledgement' | 'bandwidth' | 'bufferLength' | 'empty' | 'unknownType')[]>(
          'acknowledgement',
          'bandwidth',
          'bufferLength',
          'empty',
          'unknownType',
        ),
      }),
    ),
  ),
);

const client = fc.nat(CLIENTS - 1);
const channel = fc.constantFrom(0, 0, 0, 1);

const say: fc.Arbitrary<Move> = fc.record({
  move: fc.constant('say' as const),
  client,
  channel,
  raw: fc.constantFrom(false, false, false, false, false, false, false, false, true),
  amf3: fc.constantFrom(false, false, false, true),
  sayings: fc.array(saying, { minLength: 1, maxLength: 4 }),
  cuts: fc.oneof(
    often(3, fc.constant([])),
    often(2, fc.array(fc.nat(999), { maxLength: 4 })),
    often(1, fc.constant([-1])),
  ),
  heldBack: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 3, 13, 40),
  settles: fc.constantFrom(true, true, false),
});

const move: fc.Arbitrary<Move> = fc.oneof(
  often(20, say),
  often(2, fc.record({ move: fc.constant('leave' as const), client, reset: fc.boolean() })),
  often(1, fc.record({ move: fc.constant('poison' as const), client, kind: fc.nat(4) })),
  often(
    6,
    fc.record({
      move: fc.constant('answer' as const),
      which: fc.nat(3),
      answer: fc.constantFrom<Answer[]>('accept', 'accept', 'accept', 'acceptWithPlayKey', 'refuse', 'fail'),
      settles: fc.constantFrom(true, true, false),
    }),
  ),
  often(
    2,
    fc.record({
      move: fc.constant('order' as const),
      verb: fc.constantFrom<('kill-session' | 'close-stream' | 'block' | 'unblock')[]>(
        'kill-session',
        'close-stream',
        'block',
        'unblock',
      ),
      channel,
      right: fc.boolean(),
    }),
  ),
  often(1, fc.record({ move: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 3 }) })),
);

/** Random schedules; shrinking leaves moves, sayings and cuts out. */
export function schedules(maxMoves: number): fc.Arbitrary<Schedule> {
  return fc.record({
    callback: fc.constantFrom(true, true, false),
    takeover: fc.boolean(),
    chunkSize: fc.constantFrom(128, 4096, 60_000),
    cacheMb: fc.constantFrom(256, 256, 256, 0),
    moves: fc.array(move, { minLength: 3, maxLength: maxMoves, size: 'max' }),
  });
}
