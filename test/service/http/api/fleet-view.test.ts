import { expect, test } from '@jest/globals';
import { FleetView } from '../../../../service/http/api/fleet-view';
import type { NodeApi } from '../../../../service/http/api/node-api';
import { oneNode } from '../../../../service/http/api/one-node';
import { UNKNOWN_STANDING } from '../../../../service/leases/channel-standing';
import { FleetKeys } from '../../../../service/leases/fleet-keys';
import type { NodeAddress } from '../../../../service/leases/life-store';
import { RelayTokens } from '../../../../service/relay/relay-token';

const self: NodeAddress = {
  id: 'n0',
  incarnation: 'a',
  host: '127.0.0.1',
  port: 1,
  proxyHeader: false,
  draining: false,
};
const tokens = new RelayTokens({ keys: new FleetKeys(), fallback: Buffer.alloc(32), self: () => self });

function view(connected: boolean, nodes: readonly NodeAddress[], isInFleet = true): FleetView {
  const api = {
    answer: () => Promise.resolve({ node: self.id, answer: { refusals: [] } }),
  } as unknown as NodeApi;
  const standing = () => Promise.resolve(UNKNOWN_STANDING);
  const store = { self, connected, nodes: () => Promise.resolve(nodes), standing };
  return new FleetView(oneNode({ api, store, tokens: isInFleet ? tokens : undefined }));
}

test.each([
  ['is not connected', false],
  ['does not list the nodes', true],
])('a registry that %s is named: other nodes are not known', async (_, connected) => {
  const { answers, unanswered } = await view(connected, []).ask({ ask: 'refusals' });
  expect(answers).toHaveLength(1);
  expect(unanswered).toEqual([{ node: 'registry', reason: expect.stringMatching(/Redis.*other nodes are not known/) }]);
});

test('nothing is missing with a registry that answers, or without a fleet', async () => {
  expect((await view(true, [self]).ask({ ask: 'refusals' })).unanswered).toEqual([]);
  expect((await view(true, [], false).ask({ ask: 'refusals' })).unanswered).toEqual([]);
});
