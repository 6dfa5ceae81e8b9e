import type { FleetAnswers } from './fleet-view';
import type { ChannelStanding } from '../../leases/channel-standing';
import type { Event } from './schemas/event';
import type { Explanation, Holder } from './schemas/explain';
import type { Refusal, RefusalCode } from './schemas/refusal';
import { REGISTRY } from './schemas/registry-name';

/** What to do about refusals of a kind. */
const ADVICE: Readonly<Record<RefusalCode, string>> = {
  handler:
    'Compare the stream key in the encoder with the one that the callback handler expects for this channel; the log of the handler says why it refused.',
  handlerFault:
    'Look at the callback handler: it did not answer, or with a fault. Its own log and rtmp_callback_duration_seconds say more.',
  busy: 'End the stream that has the channel, or let a publisher with the same key take it over: PUBLISHER_TAKEOVER=YES.',
  blocked: 'Lift the block with unblock.',
  badName: 'Correct channel and key in the encoder: only letters, digits, - and _ are allowed.',
  tooManyQuestions: 'Let the client try less often: too many publishers wait for the callback handler.',
  draining: 'Let the client connect again: the load balancer leads it to a node that stays.',
  noRoom: 'Add nodes, or raise MEMORY_BUDGET_MB: the node has no memory for another stream.',
  registry:
    'Look at Redis: the registry of the fleet did not answer, and FLEET_WITHOUT_REDIS=reject refuses publishers then.',
  ended: 'Let the client try again: the stream was ended while it was decided.',
  other: 'Read the reason that the client was told, and the log of the node.',
};
/** A refusal older than this does not explain the present (ms). */
const RECENT_MS = 15 * 60_000;

/** Why a channel is, or is not, live. */
export function explain(
  channel: string,
  record: ChannelStanding,
  { answers, unanswered }: FleetAnswers<'channel'>,
  nowMs: number = Date.now(),
): Explanation {
  const refusals = answers.flatMap(({ answer }) => answer.refusals).sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
  const streams = answers.flatMap(({ answer }) => (answer.stream === null ? [] : [answer.stream]));
  const stream = streams.find(({ state }) => state === 'live') ?? streams[0];
  const holder = holderOf(record, stream);
  const blockedSeconds = record.blockedSeconds > 0 ? record.blockedSeconds : null;
  const ended = answers.flatMap(({ answer }) => answer.events.filter(isEnd)).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
  const mayBeBlocked = blockedSeconds !== null || unanswered.some(({ node }) => node === REGISTRY);
  const recent = refusals.filter(({ lastAt, code }) => {
    // A block that was lifted, and what was before the last stream, do not explain the present.
    if (code === 'blocked' && !mayBeBlocked) return false;
    return nowMs - Date.parse(lastAt) < RECENT_MS && (ended === undefined || lastAt > ended.at);
  });
  const verdict = verdictOf(holder, blockedSeconds, recent);
  return {
    channel,
    verdict,
    sentence: sentenceOf(verdict, holder, blockedSeconds, recent[0], ended),
    holder,
    blockedSeconds,
    refusals,
    advice: adviceOf(channel, verdict, holder, recent, ended),
    unanswered,
  };
}

type StreamEnded = Extract<Event, { type: 'stream.ended' }>;

function isEnd(event: Event): event is StreamEnded {
  return event.type === 'stream.ended';
}

function holderOf(
  { owner }: ChannelStanding,
  stream: FleetAnswers<'channel'>['answers'][number]['answer']['stream'] | undefined,
): Holder | null {
  if (stream !== undefined && stream !== null) {
    const { node, state, streamId, since, client, health } = stream;
    return { node, state, streamId, since, address: client.address, encoder: client.encoder, health };
  }
  if (owner === null) return null;
  const { node, state, streamId } = owner;
  const since = new Date(owner.since ?? Date.now()).toISOString();
  return { node, state, streamId, since, address: null, encoder: null, health: null };
}

function verdictOf(
  holder: Holder | null,
  blockedSeconds: number | null,
  recent: readonly Refusal[],
): Explanation['verdict'] {
  if (holder !== null) return holder.state;
  if (blockedSeconds !== null) return 'blocked';
  return recent.length > 0 ? 'refused' : 'idle';
}

function sentenceOf(
  verdict: Explanation['verdict'],
  holder: Holder | null,
  blockedSeconds: number | null,
  refusal: Refusal | undefined,
  ended: StreamEnded | undefined,
): string {
  const from = holder?.address ? ` from ${holder.address}` : '';
  switch (verdict) {
    case 'live':
      return `Live since ${holder?.since}${from}, on node ${holder?.node}.`;
    case 'held':
      return `Held on node ${holder?.node} for its publisher, whose connection broke off.`;
    case 'starting':
      return `A publisher is being decided on, on node ${holder?.node}.`;
    case 'blocked':
      return `Blocked by an operator for another ${blockedSeconds} s.`;
    case 'refused':
      return `Not live: ${refusal?.sentence}.`;
    case 'idle':
      return ended === undefined
        ? 'Not live, and nobody was refused lately.'
        : `Not live: the last stream ended at ${ended.at} after ${ended.seconds} s: ${ended.reason}.`;
  }
}

function adviceOf(
  channel: string,
  verdict: Explanation['verdict'],
  holder: Holder | null,
  recent: readonly Refusal[],
  ended: StreamEnded | undefined,
): string[] {
  const advice = new Set<string>();
  if (verdict === 'blocked') advice.add(ADVICE.blocked);
  for (const { sentence } of holder?.health?.issues ?? []) advice.add(sentence);
  for (const { code } of recent) advice.add(ADVICE[code]);
  if (verdict === 'held') advice.add('Wait for the publisher to come back, or end the stream.');
  if (verdict === 'idle' && ended !== undefined) {
    advice.add('Start the encoder again to be live: no attempt was seen since the stream ended.');
  } else if (verdict === 'idle') {
    advice.add(
      `Check that the encoder publishes to /${channel}/KEY on this fleet, and that its connection gets here: no attempt was seen.`,
    );
  }
  return [...advice];
}
