import { expect, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import type { EndedStream } from '../../../service/auth/publish-authorizer';
import { MemoryRegistry } from '../../../service/leases/memory-registry';
import { MemoryRegistryView } from '../../../service/leases/memory-registry-view';
import { AdmissionRig } from './admission-rig';

/** Gives every stream one id, and notes the stops. */
class OneIdAuthorizer extends AcceptAllAuthorizer {
  readonly stops: EndedStream[] = [];

  override authorizeStart(): Promise<{ accepted: true; grant: { streamId: string } }> {
    return Promise.resolve({ accepted: true, grant: { streamId: 'stream' } });
  }

  override streamEnded(stream: EndedStream): void {
    this.stops.push(stream);
  }
}

test('a node that dies while it takes a stream over leaves a stop with the id of the stream', async () => {
  const registry = new MemoryRegistry();
  const authorizer = new OneIdAuthorizer();
  const a = new AdmissionRig({ graceMs: 60_000 }, new MemoryRegistryView(registry, 'a'), authorizer);
  const dying = new MemoryRegistryView(registry, 'b');
  const confirmed = new Promise<void>((resolve) => {
    dying.confirm = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  const b = new AdmissionRig({ graceMs: 60_000 }, dying, authorizer);
  const lost = a.publisher();
  a.admission.leave(lost, await a.publishes(lost), false);
  void b.admit(b.publisher());
  await confirmed;
  await turn();
  registry.lost('b');
  expect(authorizer.stops).toMatchObject([{ channel: 'channel', streamId: 'stream' }]);
  const [{ startJti }] = authorizer.stops as [EndedStream];
  expect(startJti).toMatch(/^[0-9a-f-]{36}$/);
  await a.admission.close();
});
