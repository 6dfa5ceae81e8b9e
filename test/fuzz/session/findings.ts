import type { FrameForm, FrameKind, Move, Saying, Schedule } from './schedule';

const FORM: FrameForm = { to: 'own', fmt: 0, together: false, interleaved: false, size: 40 };
const frames = (kinds: FrameKind[], form: Partial<FrameForm> = {}): Saying => ({
  say: 'frames',
  frames: kinds,
  form: { ...FORM, ...form },
});
const publish = (streamId = 1): Saying => ({ say: 'publish', streamId, key: 'k' });
const play = (cache = '', streamId = 1): Saying => ({ say: 'play', streamId, key: 'k', cache });

/** A client says this, in one segment. */
const says = (client: number, ...sayings: Saying[]): Move & { readonly move: 'say' } => ({
  ...{ move: 'say', client, channel: 0, raw: false, amf3: false, sayings, cuts: [], heldBack: 0, settles: true },
});
const answer: Move = { move: 'answer', which: 0, answer: 'accept', settles: true };
const order = (verb: 'kill-session' | 'block' | 'unblock'): Move => ({ move: 'order', verb, channel: 0, right: true });
const schedule = (...moves: Move[]): Schedule => ({
  ...{ callback: true, takeover: false, chunkSize: 4096, cacheMb: 256, moves },
});
const takeover = (...moves: Move[]): Schedule => ({ ...schedule(...moves), takeover: true });
const METADATA: Saying = { say: 'metadata', name: '@setDataFrame', amf3: false };
const end: Saying = { say: 'deleteStream', streamId: 1 };

/** What the fuzzer has found and was mended, as the shortest schedules. */
export const FINDINGS: Readonly<Record<string, Schedule>> = {
  'metadata on a message stream whose publish was refused is not that of the live stream': schedule(
    says(0, play()),
    says(1, publish(1)),
    answer,
    says(1, publish(2), METADATA),
    says(1, { say: 'refusedMetadata' }),
  ),
  'an aggregate on a message stream whose publish was refused is no part of the live stream': schedule(
    says(0, play()),
    says(1, publish(1)),
    answer,
    says(1, publish(2)),
    says(1, { say: 'aggregate', frames: ['key', 'audio'], to: 'refused' }, frames(['key'])),
  ),
  'a player that wants no cached start gets video from a keyframe on': schedule(
    says(1, publish(), frames(['videoHeader', 'key'])),
    answer,
    says(0, play('no')),
    says(1, frames(['inter', 'audio', 'key', 'inter'])),
  ),
  'an order that operators give again within seconds ends the next publisher too': schedule(
    says(0, publish()),
    order('kill-session'),
    answer,
    says(1, publish()),
    order('kill-session'),
    answer,
  ),
  'a keyframe comes after its own header where two more have come before it is sent': schedule(
    says(1, play()),
    says(0, publish(), frames(['videoHeader', 'key']), play('', 2), frames(['newHeader', 'newHeader'])),
    answer,
  ),
  'a player that leaves between the cached sound and what came since gets no more': schedule(
    says(0, play()),
    { ...says(1, publish(2), frames(['audio', 'audio'])), heldBack: 13 },
    answer,
    says(1, play(), end),
  ),
  'a player that stops and plays again may get what came before once': schedule(
    says(1, publish(2), frames(['key'])),
    answer,
    says(1, play()),
    { ...says(1, METADATA, frames(['key']), end), settles: false },
    says(1, play()),
  ),
  'a channel that is blocked again within seconds is blocked': schedule(
    order('block'),
    order('unblock'),
    order('block'),
    says(0, publish()),
  ),
  'a publisher that waits and plays may see the stream end before it is refused because of that stream': takeover(
    ...[says(0, play()), says(1, publish()), says(2, publish(), end), says(0, publish(9))],
    ...[answer, answer],
  ),
  'a publisher that plays and is refused because of a stream need not see that stream end': takeover(
    ...[says(0, play()), says(1, publish()), answer, says(2, publish()), answer],
    ...[{ ...says(0, publish(9)), settles: false }, says(2, end)],
  ),
};

const video = (on: boolean): Saying => ({ say: 'receiveVideo', streamId: 1, on });

/** Lives that random schedules seldom come to. */
export const LIVES: Readonly<Record<string, Schedule>> = {
  'one connection publishes twice, one stream after the other': schedule(
    ...[says(0, play()), says(1, publish()), answer, says(1, frames(['key']), end)],
    ...[says(1, publish()), answer, says(1, frames(['key']), end)],
  ),
  'video comes back at a keyframe': schedule(
    ...[says(0, play()), says(1, publish()), answer, says(1, frames(['key', 'inter']))],
    ...[says(0, video(false)), says(1, frames(['inter', 'audio'])), says(0, video(true))],
    says(1, frames(['inter', 'audio', 'key', 'inter'])),
  ),
  'a message that its sender gives up is nowhere sent': schedule(
    ...[says(0, play()), says(1, publish()), answer, says(1, frames(['key']))],
    says(1, { say: 'aborted' }, frames(['inter', 'audio', 'key'])),
  ),
};
