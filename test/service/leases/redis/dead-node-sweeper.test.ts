import { expect, test } from '@jest/globals';
import { DeadNodeSweeper } from '../../../../service/leases/redis/dead-node-sweeper';
import type { RegistryConnection, RegistryReply } from '../../../../service/leases/redis/registry-connection';
import { DEFAULT_TIMING } from '../../../../service/leases/redis/registry-timing';
import type { RemainsArgument } from '../../../../service/leases/redis/scripts/sweep-scripts';
import { silentLogger } from '../../../../service/logging/silent-logger';

test('dead nodes are seen to at the same time, so that a lost zone does not wait for each of them in turn', async () => {
  const asked: string[] = [];
  let answerAll: () => void = () => undefined;
  const bothAsked = new Promise<void>((resolve) => (answerAll = resolve));
  const answers: Readonly<Record<string, (argument: RemainsArgument) => RegistryReply | Promise<RegistryReply>>> = {
    scan: () => ({ status: 'dead', rest: ['0', 'a/1', 'b/1'] }),
    remains: async ({ member }) => {
      if (asked.push(member) === 2) answerAll();
      await bothAsked;
      return { status: 'remains', rest: [] };
    },
    claim: () => ({ status: 'claimed', rest: ['all'] }),
  };
  const run = async ({ name }: { readonly name: string }, argument: RemainsArgument): Promise<RegistryReply> =>
    answers[name]!(argument);
  const sweeper = new DeadNodeSweeper({
    connection: { run } as unknown as RegistryConnection,
    timing: { ...DEFAULT_TIMING, beatMs: 10 },
    log: silentLogger,
    healthyForMs: () => Infinity,
    nodeDead: () => Promise.resolve(true),
    waitingStops: () => 0,
    claimed: () => undefined,
    departed: () => undefined,
  });
  sweeper.start();
  await bothAsked;
  sweeper.stop();
  expect(asked).toEqual(['a/1', 'b/1']);
});
