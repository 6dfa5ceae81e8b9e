import type { LifeStore } from '../../leases/life-store';
import type { RelayTokens } from '../../relay/relay-token';
import type { Machine } from './machine';
import type { NodeApi } from './node-api';

export interface OneNodeOptions {
  readonly api: NodeApi;
  readonly store: Pick<LifeStore, 'self' | 'connected' | 'nodes' | 'standing'>;
  /** Absent where there are no other nodes. */
  readonly tokens: RelayTokens | undefined;
}

/** A machine with a single node; also a worker's part of its machine. */
export function oneNode({ api, store, tokens }: OneNodeOptions): Machine {
  return {
    ask: async (question) => ({ answers: [await api.answer(question)], unanswered: [] }),
    async directory() {
      const nodes = await store.nodes();
      // In a fleet, a registry that answers lists at least this node.
      const isIncomplete = tokens !== undefined && (!store.connected || nodes.length === 0);
      return { self: store.self.id, nodes, isIncomplete };
    },
    standing: (channel) => store.standing(channel),
    sign: (digest, node) => tokens?.sign(digest, node) ?? Promise.resolve(undefined),
    verify: (token, digest) => tokens?.verify(token, digest) ?? Promise.resolve(false),
  };
}
