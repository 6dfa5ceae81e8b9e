import { expect, test } from '@jest/globals';
import type { FleetView } from '../../../../service/http/api/fleet-view';
import { giveOrder } from '../../../../service/http/api/orders';
import { CloseOrder } from '../../../../service/http/api/schemas/order';

/** A fleet in which one node answers that it is not meant, and others do not answer. */
function fleetWith(...silent: readonly string[]): FleetView {
  const answers = [{ node: 'n0', answer: { acted: false, detail: 'another node' } }];
  const unanswered = silent.map((node) => ({ node, reason: 'no answer' }));
  return { ask: () => Promise.resolve({ answers, unanswered }) } as unknown as FleetView;
}

test.each([
  ['n7', 'n7'],
  ['n7', 'n7.1'],
])('the order to drain %s reaches the silent node %s through the registry', async (target, silent) => {
  const result = await giveOrder(fleetWith('n3', silent), 'drain', { verb: 'drain', node: target });
  expect(result).toMatchObject({
    done: true,
    sentence: `${target} did not answer; the order reaches it through the registry`,
  });
});

test.each([['n3'], ['n70'], ['registry']])('a node that is not the silent %s is not of the fleet', async (silent) => {
  const result = await giveOrder(fleetWith(silent), 'drain', { verb: 'drain', node: 'n7' });
  expect(result).toMatchObject({ done: false, sentence: expect.stringMatching(/^No node of the fleet has the id n7/) });
});

test('a stream id of several lines is refused: the command channel would cut its end off', () => {
  expect(CloseOrder.safeParse({ streamId: 'id' }).success).toBe(true);
  for (const streamId of ['id\n', 'a\r\nb']) expect(CloseOrder.safeParse({ streamId }).success).toBe(false);
});
