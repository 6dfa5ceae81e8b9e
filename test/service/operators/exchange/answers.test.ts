import { expect, test } from '@jest/globals';
import { Answers } from '../../../../service/operators/exchange/answers';
import type { HeardReply } from '../../../../service/operators/exchange/command-reply';

const MEGABYTE = 1024 * 1024;

function listed(node: string): HeardReply {
  const said = { node, command: 'list', channel: '', detail: '2 streams', streams: [{}, {}] };
  return { order: 'list', nodes: ['a', 'b', 'c'], reply: { ...said, acted: true } };
}

test('a node whose streams do not fit into the answer is listed without them', () => {
  const answers = new Answers('list', 'list');
  answers.add(listed('a'), 3 * MEGABYTE);
  answers.add(listed('b'), 2 * MEGABYTE);
  answers.add(listed('c'), MEGABYTE);
  expect(answers.complete).toBe(true);
  expect(answers.acted).toMatchObject([
    { node: 'a', streams: [{}, {}] },
    { node: 'b', detail: '2 streams; its 2 streams do not fit into this answer' },
    { node: 'c', streams: [{}, {}] },
  ]);
  expect(answers.acted[1]).not.toHaveProperty('streams');
});
