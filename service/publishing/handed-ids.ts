import type { HandedId, LaterStart, Start } from './channel-life';

/** Whether the handler answered with this id. A handler without ids continues a stream by accepting the offer. */
export function isSameId(id: HandedId | undefined, { resume }: Start, streamId: string): boolean {
  return id?.streamId === streamId && (streamId !== '' || resume !== undefined);
}

/** Most later starts that are kept of a stream. */
const MAX_LATER = 8;

/** The id after a second start was answered with it. Handlers know a continued stream by its first start. */
export function given(id: HandedId, { resume, publish, startJti, about }: Start): HandedId {
  const start = { publish, startJti, about };
  if (resume === undefined) return withLater({ ...id, startJti }, [start]);
  return id.streamId === '' ? withLater(id, [start]) : id;
}

/** The start that the handler knows the id by. Wherever a stop for it comes from, its `jti` is `publish`. */
export function startOfId({ stopJti, startJti, about, later = [] }: HandedId): LaterStart {
  const { publish } = later.find((start) => start.startJti === startJti) ?? { publish: stopJti };
  return { publish, startJti, about };
}

export function withLater(id: HandedId, starts: readonly LaterStart[]): HandedId {
  const { later = [] } = id;
  const fresh = starts.filter(({ publish }) => !later.some((each) => each.publish === publish));
  const kept = fresh.map(({ publish, startJti, about }) => ({ publish, startJti, about }));
  return kept.length > 0 ? { ...id, later: [...later, ...kept].slice(-MAX_LATER) } : id;
}

/** Of one id with two records: what operators ordered by this one, or if they ordered nothing by it, by the other one. */
export function withOrders(id: HandedId, { orders }: HandedId): HandedId {
  return id.orders === undefined && orders !== undefined ? { ...id, orders } : id;
}

export function handed({ publish, startJti, about, resume }: Start, streamId: string, now: number): HandedId {
  const isResumed = streamId !== '' && streamId === resume;
  return { streamId, startJti, stopJti: publish, about, since: now, ...(isResumed && { isResumed }) };
}
