import { describe, expect, test } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import type { StopRecord } from '../../../service/auth/stop-record';
import type { LeaseRegistry } from '../../../service/leases/lease-registry';
import { MemoryRegistry } from '../../../service/leases/memory-registry';
import { MemoryRegistryView } from '../../../service/leases/memory-registry-view';
import { AdmissionRig } from './admission-rig';

/** Gives every stream one id, and notes the stops. */
class OneIdAuthorizer extends AcceptAllAuthorizer {
  readonly stops: StopRecord[] = [];
  #stopped: () => void = () => undefined;

  override authorizeStart(): Promise<{ accepted: true; grant: { streamId: string } }> {
    return Promise.resolve({ accepted: true, grant: { streamId: 'stream' } });
  }

  override streamEnded(stream: StopRecord): void {
    this.stops.push(stream);
    this.#stopped();
  }

  nextStop(): Promise<void> {
    return new Promise((resolve) => (this.#stopped = resolve));
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
  const [{ startJti }] = authorizer.stops as [StopRecord];
  expect(startJti).toMatch(/^[0-9a-f-]{36}$/);
  await a.admission.close();
});

describe('a stream whose move the registry does not answer', () => {
  /** A node whose registry does not answer after the handler has; `moves` says whether the move is made all the same. */
  function newcomer(moves: boolean) {
    const registry = new MemoryRegistry();
    const authorizer = new OneIdAuthorizer();
    const a = new AdmissionRig({ graceMs: 60_000, takeover: true }, new MemoryRegistryView(registry, 'a'), authorizer);
    const view: LeaseRegistry = new MemoryRegistryView(registry, 'b');
    const b = new AdmissionRig({ graceMs: 60_000, takeover: true }, view, authorizer);
    const replies = new MemoryRegistryView(registry, 'b');
    let isAway = false;
    view.replace = async (...args) => {
      isAway = true;
      if (moves) await replies.replace(...args);
      return undefined;
    };
    view.locate = (channel) => (isAway ? Promise.resolve(undefined) : replies.locate(channel));
    view.nodes = () => (isAway ? Promise.resolve([]) : replies.nodes());
    const settled = new Promise<void>((resolve) => {
      view.abandon = (...args) => {
        resolve();
        return replies.abandon(...args);
      };
    });
    const comesBack = (): void => void (isAway = false);
    return { a, b, authorizer, settled, comesBack };
  }

  test('is not stopped while its publisher has it, and stopped once when that ends', async () => {
    const { a, b, authorizer, settled, comesBack } = newcomer(false);
    const publisher = a.publisher();
    const publication = await a.publishes(publisher);
    expect(await b.admit(b.publisher())).toMatchObject({ accepted: false, final: false });
    expect(authorizer.stops).toEqual([]);
    comesBack();
    await settled;
    expect([authorizer.stops, publication.publisher]).toEqual([[], publisher]);
    a.admission.leave(publisher, publication, true);
    await a.admission.close();
    expect(authorizer.stops).toMatchObject([{ streamId: 'stream' }]);
    await b.admission.close();
  });

  test('is stopped once when it was moved to the publisher who was refused', async () => {
    const { a, b, authorizer, comesBack } = newcomer(true);
    await a.publishes();
    expect(await b.admit(b.publisher())).toMatchObject({ accepted: false, final: false });
    expect(authorizer.stops).toEqual([]);
    const stopped = authorizer.nextStop();
    comesBack();
    await stopped;
    await Promise.all([a.admission.close(), b.admission.close()]);
    expect(authorizer.stops).toMatchObject([{ streamId: 'stream' }]);
  });
});

describe('a stream whose lease has moved', () => {
  async function moved(order: { continues: boolean; stopIsSent: boolean }) {
    const rig = new AdmissionRig({ graceMs: 60_000 });
    const publisher = rig.publisher();
    const { stream } = await rig.publishes(publisher);
    rig.pass(1, 3, publisher);
    expect(stream.cachedBytes).toBeGreaterThan(0);
    const [lease] = rig.admission.leases();
    rig.admission.moved('channel', { publishId: lease!.publishId, ...order });
    return { rig, stream };
  }

  test('keeps no old start for viewers who come later, when another node continues it', async () => {
    const { stream } = await moved({ continues: true, stopIsSent: false });
    expect(stream.cachedBytes).toBe(0);
  });

  test('ends with a reason that is true, and lets the publisher return, when its node counted as dead', async () => {
    const { rig } = await moved({ continues: false, stopIsSent: true });
    expect(rig.displaced).toEqual([]);
    expect(rig.killed).toEqual([expect.stringContaining('publish again')]);
  });
});
