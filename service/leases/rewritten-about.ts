import type { ChannelLife, HandedId } from '../publishing/channel-life';
import type { LifeEvent } from '../publishing/life-events';

/** The same with what callbacks have to say written in another way. */
export function withAbout(life: ChannelLife, about: (text: string) => string): ChannelLife {
  const { stream, out, ended } = life;
  const rewritten = <T extends { readonly about: string }>(each: T): T => ({ ...each, about: about(each.about) });
  const id = (each: HandedId): HandedId => ({
    ...rewritten(each),
    ...(each.orders !== undefined && { orders: about(each.orders) }),
    ...(each.later && { later: each.later.map(rewritten) }),
  });
  return {
    ...life,
    ...(stream && { stream: { ...stream, id: id(stream.id) } }),
    ...(out && { out: { ...rewritten(out), ...(out.inherited && { inherited: id(out.inherited) }) } }),
    late: life.late.map(rewritten),
    waiting: life.waiting.map(rewritten),
    ...(ended && { ended: id(ended) }),
  };
}

/** The same, of a publisher who comes, of an answer to a start, or of what operators ordered. */
export function eventWithAbout(event: LifeEvent, about: (text: string) => string): LifeEvent {
  if (event.kind === 'ordered') return { ...event, orders: about(event.orders) };
  if (event.kind === 'answered') return { ...event, start: { ...event.start, about: about(event.start.about) } };
  if (event.kind !== 'come') return event;
  const { candidate } = event;
  return { ...event, candidate: { ...candidate, about: about(candidate.about) } };
}
