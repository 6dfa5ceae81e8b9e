import { expect, test } from '@jest/globals';
import { Mailbox } from '../../../../service/leases/redis/mailbox';
import { NodeRegistration } from '../../../../service/leases/redis/node-registration';
import type { RegistryConnection, RegistryReply } from '../../../../service/leases/redis/registry-connection';
import { DEFAULT_TIMING } from '../../../../service/leases/redis/registry-timing';
import { Roster } from '../../../../service/leases/redis/roster';
import { silentLogger } from '../../../../service/logging/silent-logger';

test('a node whose renewals were not answered for a time to live asserts what it has, also if none says that it lapsed', async () => {
  const ttlMs = 20;
  const heard: string[] = [];
  let answer: RegistryReply | undefined = { status: 'lapsed', rest: ['secret', '0'] };
  const run = (
    _script: unknown,
    _beat: unknown,
    { read }: { readonly read: (reply: RegistryReply) => void },
  ): Promise<RegistryReply | undefined> => {
    if (answer) read(answer);
    return Promise.resolve(answer);
  };
  const registration = new NodeRegistration({
    connection: { run, epoch: 1, lastError: 'away' } as unknown as RegistryConnection,
    timing: { ...DEFAULT_TIMING, ttlMs, beatMs: 600_000 },
    log: silentLogger,
    secret: () => 'secret',
    address: () => ({ id: 'a', incarnation: 'first', host: '', port: 1935, proxyHeader: false, draining: false }),
    roster: new Roster(),
    lapsed: () => heard.push('lapsed'),
    renewed: () => heard.push('renewed'),
    mailbox: new Mailbox(1, () => undefined),
    schema: 1,
  });
  await registration.beat();
  heard.length = 0;
  answer = undefined;
  const since = performance.now();
  while (performance.now() - since <= ttlMs) await registration.beat();
  answer = { status: 'kept', rest: ['secret', '0'] };
  await registration.beat();
  registration.stop();
  expect(heard).toEqual(['lapsed', 'renewed']);
});
