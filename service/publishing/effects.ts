import type { ChannelLife, HandedId, Start, Stream } from './channel-life';
import type { LifeEffect, Refusal, Step } from './life-events';

export type Result = Step<ChannelLife>;

export function unchanged(life: ChannelLife): Result {
  return { life, effects: [] };
}

export function startOf({ publish, node, startJti, about, resume }: Start): Start {
  return { publish, node, startJti, about, ...(resume !== undefined && { resume }) };
}

export function refuse({ node, publish }: Start, refusal: Refusal): LifeEffect {
  return { kind: 'refuse', node, publish, refusal };
}

export function grace({ node, publish }: Stream, runs: boolean): LifeEffect {
  return { kind: 'grace', node, publish, runs };
}

export function stopOf({ stopJti, streamId, startJti, about }: HandedId): LifeEffect {
  return { kind: 'stop', stop: { jti: stopJti, streamId, startJti, about } };
}

export function stopOfStart({ publish, startJti, about }: Start, streamId: string): LifeEffect {
  return { kind: 'stop', stop: { jti: publish, streamId, startJti, about } };
}
