import { z } from 'zod';
import type { ChannelLife } from '../../publishing/channel-life';
import type { DueStop } from '../../publishing/life-events';
import type { NodeEffect } from '../life-store';

/*
 * The forms of what stands in Redis. Others can write there too: what has another form must not get any further than
 * here. Fields that are not known here stay.
 */

const Facts = { publish: z.string(), startJti: z.string(), about: z.string() };
const StartFields = { ...Facts, node: z.string(), resume: z.string().exactOptional() };
const CandidateFields = { ...StartFields, keyHash: z.string(), group: z.string(), round: z.number() };

const HandedId = z.looseObject({
  streamId: z.string(),
  startJti: z.string(),
  stopJti: z.string(),
  about: z.string(),
  since: z.number(),
  isResumed: z.boolean().exactOptional(),
  orders: z.string().exactOptional(),
  later: z.array(z.looseObject(Facts)).exactOptional(),
});

const Stream = z.looseObject({
  publish: z.string(),
  node: z.string(),
  keyHash: z.string(),
  state: z.enum(['live', 'held']),
  id: HandedId,
  keeps: z.boolean(),
  leaving: z.boolean(),
  playKeyHash: z.string(),
  after: z.string().exactOptional(),
});

/** A channel's life. */
export const StoredLifeForm: z.ZodType<ChannelLife> = z.looseObject({
  stream: Stream.exactOptional(),
  out: z
    .looseObject({
      ...CandidateFields,
      abandoned: z.boolean(),
      inherited: HandedId.exactOptional(),
      closed: z.array(z.string()),
    })
    .exactOptional(),
  late: z.array(z.looseObject({ ...StartFields, former: z.string().exactOptional() })),
  waiting: z.array(z.looseObject(CandidateFields)),
  round: z.number(),
  provenKey: z.string().exactOptional(),
  blockedUntil: z.number().exactOptional(),
  claimed: z.array(z.looseObject({ publish: z.string(), until: z.number() })).exactOptional(),
  isDoubted: z.boolean().exactOptional(),
  ended: HandedId.exactOptional(),
});

/** What viewers on other nodes need of a life, in whatever form the rest of it is. */
export const StoredPlaceForm = z.looseObject({
  stream: z
    .looseObject({ publish: z.string(), playKeyHash: z.string(), id: z.looseObject({ streamId: z.string() }) })
    .exactOptional(),
});

const Refusal = z.discriminatedUnion('why', [
  z.looseObject({ why: z.enum(['busy', 'unreachable', 'crowded', 'killed', 'noAnswer']) }),
  z.looseObject({ why: z.literal('blocked'), until: z.number() }),
  z.looseObject({ why: z.literal('refused'), final: z.boolean(), reason: z.string() }),
]);

const OfPublish = { node: z.string(), publish: z.string() };

/** What a letter has its node do. */
export const LetterEffectsForm: z.ZodType<readonly NodeEffect[]> = z.array(
  z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('ask'), node: z.string(), start: z.looseObject(StartFields) }),
    z.looseObject({ kind: z.literal('refuse'), ...OfPublish, refusal: Refusal }),
    z.looseObject({
      ...{ kind: z.literal('letIn'), ...OfPublish, id: HandedId },
      ...{ continues: z.boolean(), keeps: z.boolean() },
    }),
    z.looseObject({
      ...{ kind: z.literal('replaced'), ...OfPublish },
      ...{ continues: z.boolean(), conflict: z.literal(true).exactOptional() },
    }),
    z.looseObject({ kind: z.literal('ended'), ...OfPublish, why: z.enum(['killed', 'notBack', 'claimed']) }),
    z.looseObject({ kind: z.literal('grace'), ...OfPublish, runs: z.boolean() }),
  ]),
);

/** A stop that is due. */
export const StoredStopForm: z.ZodType<{ readonly channel: string; readonly stop: DueStop }> = z.object({
  channel: z.string(),
  stop: z.looseObject({ jti: z.string(), streamId: z.string(), startJti: z.string(), about: z.string() }),
});
