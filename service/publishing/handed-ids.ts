import type { HandedId, Start } from './channel-life';

/** Whether the handler answered with this id. A handler without ids continues a stream by accepting the offer. */
export function isSameId(id: HandedId | undefined, { resume }: Start, streamId: string): boolean {
  return id?.streamId === streamId && (streamId !== '' || resume !== undefined);
}

/** The id after a second start was answered with it. Handlers know a continued stream by its first start. */
export function given(id: HandedId, { resume, startJti }: Start): HandedId {
  return resume === undefined ? { ...id, startJti } : id;
}

export function handed({ publish, startJti, about }: Start, streamId: string, now: number): HandedId {
  return { streamId, startJti, stopJti: publish, about, since: now };
}
