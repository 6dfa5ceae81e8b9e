import type { ChannelLife, HandedId, LaterStart, Start, Stream } from './channel-life';
import { startOfId } from './handed-ids';
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

/** The stop of an id that has no owner any more; in doubt, also stops of the later starts. */
export function stopsOf({ isDoubted }: ChannelLife, id: HandedId): LifeEffect[] {
  const start = startOfId(id);
  const others = isDoubted ? (id.later ?? []).filter(({ publish }) => publish !== start.publish) : [];
  return [stopOfStart(start, id.streamId), ...others.map((other) => stopOfStart(other, ''))];
}

export function stopOfStart({ publish, startJti, about }: LaterStart, streamId: string): LifeEffect {
  return { kind: 'stop', stop: { jti: publish, streamId, startJti, about } };
}
