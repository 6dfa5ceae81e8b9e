import type { HandedId, Start } from './channel-life';

/** Whether the handler answered with an id that has an owner. Without ids, an offer that was accepted is one. */
export function isSameId(id: HandedId | undefined, { resume }: Start, streamId: string): boolean {
  return id?.streamId === streamId && (streamId !== '' || resume !== undefined);
}

/** The id after a start was answered with it again. Handlers know a stream that goes on by its first start. */
export function given(id: HandedId, { resume, startJti }: Start): HandedId {
  return resume === undefined ? { ...id, startJti } : id;
}

export function handed({ publish, startJti, about }: Start, streamId: string, now: number): HandedId {
  return { streamId, startJti, stopJti: publish, about, since: now };
}
