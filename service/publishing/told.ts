import type { ChannelLife, StartOut } from './channel-life';
import type { LifeEffect } from './life-events';

/**
 * A node's own copy of a life after it has heard of an effect that is for it. The registry's life, of which the effect
 * is, may have changed since; undefined when the effect means nothing for this copy.
 */
export function told(life: ChannelLife, effect: LifeEffect): ChannelLife | undefined {
  const { stream, out, waiting } = life;
  switch (effect.kind) {
    case 'replaced':
      return stream?.publish === effect.publish ? { ...life, stream: undefined, ended: stream.id } : undefined;
    case 'ended': {
      if (stream?.publish !== effect.publish) return undefined;
      const next: ChannelLife = { ...life, stream: undefined, ended: stream.id };
      // The operator's command could not reach a start that the registry does not know of: nobody continues the stream.
      return out && effect.why === 'killed'
        ? { ...next, out: { ...out, closed: [...out.closed, stream.id.streamId] } }
        : next;
    }
    case 'refuse':
      if (out?.publish === effect.publish) return { ...life, out: { ...out, abandoned: true } };
      return waiting.some(({ publish }) => publish === effect.publish)
        ? { ...life, waiting: waiting.filter(({ publish }) => publish !== effect.publish) }
        : undefined;
    case 'ask': {
      const candidate = waiting.find(({ publish }) => publish === effect.start.publish);
      if (!candidate || out) return undefined;
      const asked: StartOut = { ...candidate, ...effect.start, abandoned: false, closed: [] };
      return { ...life, out: asked, waiting: waiting.filter((other) => other !== candidate) };
    }
    case 'grace':
      return stream?.publish === effect.publish && stream.state === 'held' && !out ? life : undefined;
    case 'letIn':
    case 'stop':
      return undefined;
  }
}
