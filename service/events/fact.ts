import type { Event } from '../http/api/schemas/event';

/** An event without what the bus adds to it. */
export type Fact = WithoutStamp<Event>;

/** Distributes over the union, so that each kind of event keeps its own fields. */
type WithoutStamp<T> = T extends Event ? Omit<T, 'id' | 'at' | 'node'> : never;
