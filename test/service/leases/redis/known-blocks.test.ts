import { expect, test } from '@jest/globals';
import { KnownBlocks } from '../../../../service/leases/redis/known-blocks';

const HOUR = 3_600_000;
const NOW = 10 * HOUR;
const BLOCKED = { why: 'blocked', until: NOW + HOUR };

test('a block is known until it ends or is lifted', () => {
  const blocks = new KnownBlocks();
  blocks.command('news', NOW + HOUR, NOW);
  expect(blocks.refusal('news', NOW + HOUR - 1)).toEqual(BLOCKED);
  expect(blocks.refusal('news', NOW + HOUR)).toBeUndefined();
  expect(blocks.refusal('other', NOW)).toBeUndefined();
  blocks.command('news', 0, NOW + 1);
  expect(blocks.refusal('news', NOW + 2)).toBeUndefined();
});

test('a node that has missed the commands learns from the registry that a block began, and that it ended', () => {
  const blocks = new KnownBlocks();
  blocks.compare('news', NOW + HOUR, NOW);
  expect(blocks.refusal('news', NOW)).toEqual(BLOCKED);
  blocks.compare('news', 0, NOW + 1);
  expect(blocks.refusal('news', NOW + 1)).toBeUndefined();
});

test('a command that was just heard may not have reached the registry yet', () => {
  const blocks = new KnownBlocks();
  blocks.command('news', NOW + HOUR, NOW);
  blocks.compare('news', 0, NOW + 5_000);
  expect(blocks.refusal('news', NOW + 5_000)).toEqual(BLOCKED);
  blocks.compare('news', 0, NOW + 20_000);
  expect(blocks.refusal('news', NOW + 20_000)).toBeUndefined();
  blocks.command('news', 0, NOW + 30_000);
  blocks.compare('news', NOW + HOUR, NOW + 31_000);
  expect(blocks.refusal('news', NOW + 31_000)).toBeUndefined();
});

test('a limited number of blocks is known, the latest', () => {
  const blocks = new KnownBlocks();
  for (let at = 0; at < 11_000; at += 1) blocks.command(`channel-${at}`, NOW + HOUR, NOW);
  expect(blocks.refusal('channel-0', NOW)).toBeUndefined();
  expect(blocks.refusal('channel-10999', NOW)).toEqual(BLOCKED);
});
