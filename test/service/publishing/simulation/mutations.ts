import type { ChannelLife, StartOut } from '../../../../service/publishing/channel-life';
import type { LifeEffect, LifeEvent, LifePolicy, Step } from '../../../../service/publishing/life-events';
import { step } from '../../../../service/publishing/step';
import type { StepFunction } from './model-storage';

type Result = Step<ChannelLife>;

/** Changes what comes of a step, given what went into it. */
function after(
  change: (result: Result, life: ChannelLife, event: LifeEvent, policy: LifePolicy) => Result,
): StepFunction {
  return (life, event, policy) => change(step(life, event, policy), life, event, policy);
}

function without(drops: (effect: LifeEffect, life: ChannelLife, event: LifeEvent) => boolean): StepFunction {
  return after(({ life: next, effects }, life, event) => ({
    life: next,
    effects: effects.filter((effect) => !drops(effect, life, event)),
  }));
}

function stopOf({ id }: NonNullable<ChannelLife['stream']>): LifeEffect {
  const { stopJti, streamId, startJti, about } = id;
  return { kind: 'stop', stop: { jti: stopJti, streamId, startJti, about } };
}

const isAccepted = (event: LifeEvent): boolean => event.kind === 'answered' && event.answer.kind === 'accepted';
const isStopOfStart = (effect: LifeEffect, start: StartOut | undefined): boolean =>
  effect.kind === 'stop' && effect.stop.jti === start?.publish;

/** The machine with one of its rules taken out each. */
export const MUTATIONS: Readonly<Record<string, StepFunction>> = {
  'a start is forgotten when its publisher leaves': (life, event, policy) =>
    event.kind === 'gone' && event.publish === life.out?.publish
      ? step({ ...life, out: undefined }, { kind: 'gone', publish: '' }, policy)
      : step(life, event, policy),

  'an accepted start whose publisher has gone gets no stop': without(
    (effect, { out }, event) => isAccepted(event) && out?.abandoned === true && isStopOfStart(effect, out),
  ),

  'an offered id is stopped when its new publisher leaves before the answer': after((result, life, event) => {
    const { out, stream } = life;
    if (!isAccepted(event) || out?.abandoned !== true || stream === undefined || out.resume !== stream.id.streamId)
      return result;
    return { ...result, effects: [...result.effects, stopOf(stream)] };
  }),

  'an offered id is stopped when the handler refuses to continue it': after((result, { out, stream }, event) => {
    const isRefused = event.kind === 'answered' && event.answer.kind === 'refused';
    if (!isRefused || out?.resume === undefined || stream === undefined) return result;
    return { ...result, effects: [...result.effects, stopOf(stream)] };
  }),

  'grace runs out while the stream is about to be continued': (life, event, policy) => {
    const { out, stream } = life;
    if (event.kind === 'graceOver' && out !== undefined && stream?.publish === event.publish) {
      return { life: { ...life, stream: undefined }, effects: [stopOf(stream)] };
    }
    return without((effect) => effect.kind === 'grace' && !effect.runs)(life, event, policy);
  },

  'the grace clock does not stand still': without((effect) => effect.kind === 'grace' && !effect.runs),

  'the grace clock does not run on': without(
    (effect, _, event) => effect.kind === 'grace' && effect.runs && event.kind !== 'lost',
  ),

  'an id is stopped at once when its publisher leaves while somebody may continue it': (life, event, policy) => {
    const { out, stream } = life;
    if (event.kind !== 'left' || out === undefined || stream?.publish !== event.publish)
      return step(life, event, policy);
    return { life: { ...life, stream: undefined }, effects: [stopOf(stream)] };
  },

  'an id that nobody continues after its publisher has left gets no stop': without(
    (effect, { out }, event) =>
      event.kind === 'answered' &&
      out?.inherited !== undefined &&
      effect.kind === 'stop' &&
      effect.stop.jti === out.inherited.stopJti,
  ),

  'an accepted publisher is refused when the one before it has left meanwhile': (life, event, policy) => {
    const { out } = life;
    if (event.kind !== 'answered' || !isAccepted(event) || out?.inherited === undefined || out.abandoned)
      return step(life, event, policy);
    const { effects, life: next } = step({ ...life, out: { ...out, abandoned: true } }, event, policy);
    return {
      life: next,
      effects: [...effects, { kind: 'refuse', node: out.node, publish: out.publish, refusal: { why: 'busy' } }],
    };
  },

  'a continued stream gets a stop': after((result, { stream }) => {
    const continues = result.effects.some((effect) => effect.kind === 'letIn' && effect.continues);
    return continues && stream !== undefined ? { ...result, effects: [...result.effects, stopOf(stream)] } : result;
  }),

  'a stream that is replaced gets no stop': without(
    (effect, { stream }, event) =>
      isAccepted(event) && stream !== undefined && effect.kind === 'stop' && effect.stop.jti === stream.id.stopJti,
  ),

  'who is replaced is not told': without((effect) => effect.kind === 'replaced'),

  'the time of a stream begins again with each publisher': after(({ life, effects }, _, event) => {
    const now = event.kind === 'answered' ? event.now : 0;
    const restarted = (effect: LifeEffect): LifeEffect =>
      effect.kind === 'letIn' ? { ...effect, id: { ...effect.id, since: now } } : effect;
    return { life, effects: effects.map(restarted) };
  }),

  'a start that gets no answer gets no stop': without(
    (effect, _, event) => event.kind === 'answered' && event.answer.kind === 'unknown' && effect.kind === 'stop',
  ),

  'a late start is forgotten': after((result, _, event) =>
    event.kind === 'answered' && event.answer.kind === 'late'
      ? { ...result, life: { ...result.life, late: [] } }
      : result,
  ),

  'a late answer is not heard': (life, event, policy) =>
    event.kind === 'answered' && event.start.publish !== life.out?.publish && event.answer.kind === 'accepted'
      ? { life: { ...life, late: life.late.filter(({ publish }) => publish !== event.start.publish) }, effects: [] }
      : step(life, event, policy),

  'the start that a dead node had out is forgotten': without(
    (effect, { out }, event) => event.kind === 'nodeDead' && out?.node === event.node && isStopOfStart(effect, out),
  ),

  'late starts of a dead node are forgotten': without(
    (effect, { late }, event) =>
      event.kind === 'nodeDead' && effect.kind === 'stop' && late.some(({ publish }) => publish === effect.stop.jti),
  ),

  'the streams of a dead node get no stop': without(
    (effect, { stream }, event) =>
      event.kind === 'nodeDead' && effect.kind === 'stop' && effect.stop.jti === stream?.id.stopJti,
  ),

  'those who wait at a dead node keep their turn': (life, event, policy) => {
    const { life: next, effects } = step(life, event, policy);
    if (event.kind !== 'nodeDead') return { life: next, effects };
    const waiting = life.waiting.filter(({ node }) => node === event.node);
    return { life: { ...next, waiting: [...waiting, ...next.waiting] }, effects };
  },

  'a kill does not reach who is asked about': (life, event, policy) => {
    const { life: next, effects } = step(life, event, policy);
    if (event.kind !== 'kill' || life.out === undefined || next.out === undefined) return { life: next, effects };
    const { publish, abandoned } = life.out;
    return {
      life: { ...next, out: { ...next.out, abandoned } },
      effects: effects.filter((effect) => effect.kind !== 'refuse' || effect.publish !== publish),
    };
  },

  'a block does not reach who waits': (life, event, policy) => {
    const { life: next, effects } = step(life, event, policy);
    if (event.kind !== 'block') return { life: next, effects };
    const waits = new Set(life.waiting.map(({ publish }) => publish));
    const kept = effects.filter((effect) => effect.kind !== 'refuse' || !waits.has(effect.publish));
    return { life: { ...next, waiting: life.waiting }, effects: kept };
  },

  'a killed stream gets no stop': without(
    (effect, { out }, event) => event.kind === 'kill' && out === undefined && effect.kind === 'stop',
  ),

  'candidates are asked about at the same time': (life, event, policy) => {
    const { life: next, effects } = step(life, event, policy);
    const [first] = next.waiting;
    if (first === undefined || next.out === undefined || event.kind !== 'come') return { life: next, effects };
    const { publish, node, startJti, about } = first;
    return { life: next, effects: [...effects, { kind: 'ask', node, start: { publish, node, startJti, about } }] };
  },

  'one stop of a stream has another jti than the next': after(({ life, effects }, before) => {
    const renamed = (effect: LifeEffect): LifeEffect =>
      effect.kind === 'stop' && before.out !== undefined && effect.stop.streamId !== ''
        ? { ...effect, stop: { ...effect.stop, jti: `${effect.stop.jti}-again` } }
        : effect;
    return { life, effects: [...effects, ...effects.map(renamed).filter((effect, at) => effect !== effects[at])] };
  }),
};
