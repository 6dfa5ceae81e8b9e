import type { LeaseRegistry } from '../../leases/lease-registry';
import type { RelayTokens } from '../../relay/relay-token';
import type { Machine } from './machine';
import type { NodeApi } from './node-api';

export interface OneNodeOptions {
  readonly api: NodeApi;
  readonly registry: Pick<LeaseRegistry, 'self' | 'nodes' | 'locate' | 'blockedSeconds'>;
  /** Absent where there are no other nodes. */
  readonly tokens: RelayTokens | undefined;
}

/** A machine with a single node; also a worker's part of its machine. */
export function oneNode({ api, registry, tokens }: OneNodeOptions): Machine {
  return {
    ask: async (question) => ({ answers: [await api.answer(question)], unanswered: [] }),
    directory: async () => ({ self: registry.self.id, nodes: await registry.nodes() }),
    async record(channel) {
      const [found, blockedSeconds] = await Promise.all([registry.locate(channel), registry.blockedSeconds(channel)]);
      if (found === undefined) return { lease: null, blockedSeconds };
      const { node, state, streamId, startedAt, beganAt } = found.lease;
      return { lease: { node, state, streamId, startedAt, beganAt }, blockedSeconds };
    },
    sign: (digest, node) => tokens?.sign(digest, node) ?? Promise.resolve(undefined),
    verify: (token, digest) => tokens?.verify(token, digest) ?? Promise.resolve(false),
  };
}
