import { beforeEach, expect, test } from '@jest/globals';
import { ConfirmedFacts } from '../../../../service/outputs/link/confirmed-facts';
import type { FromProgram } from '../../../../service/outputs/link/messages';

const DONE = { type: 'outputs.up' } as const;
let sent: FromProgram[];
let link: { isOpen: boolean; send(message: FromProgram): void };
let facts: ConfirmedFacts;

beforeEach(() => {
  sent = [];
  link = { isOpen: true, send: (message) => void sent.push(message) };
  facts = new ConfirmedFacts(link);
});

test('a fact is told when the node has confirmed it', async () => {
  const told = facts.tell(DONE);
  expect(sent).toEqual([{ kind: 'fact', number: 1, fact: DONE }]);
  facts.confirmed(7);
  facts.confirmed(1);
  expect(await told).toBe(true);
});

test('with another link it is sent again, under the same number, until it is confirmed', async () => {
  link.isOpen = false;
  const told = facts.tell(DONE);
  expect(sent).toEqual([]);
  facts.opened();
  facts.lost();
  facts.opened();
  expect(sent.map((message) => message.kind === 'fact' && message.number)).toEqual([1, 1]);
  facts.confirmed(1);
  expect(await told).toBe(true);
  facts.opened();
  expect(sent).toHaveLength(2);
});

test('a program that ends waits for the node as long as there is a link', async () => {
  const told = facts.tell(DONE);
  facts.leave();
  const another = facts.tell(DONE);
  facts.confirmed(1);
  expect(await told).toBe(true);
  link.isOpen = false;
  facts.lost();
  expect(await another).toBe(false);
  expect(await facts.tell(DONE)).toBe(false);
});

test('what waits is bounded', async () => {
  const first = facts.tell(DONE);
  for (let index = 0; index < 1_000; index += 1) void facts.tell(DONE);
  expect(await first).toBe(false);
});
