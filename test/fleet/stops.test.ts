import { expect, test } from '@jest/globals';
import type { CallbackRequest } from '../support/servers/callback-server';
import { FleetOfFile } from '../support/servers/fleet';
import { expectFlows } from '../support/servers/server-of-file';

const PUBLISHERS = 200;
/** No event fails more often than this, so that the test does not wait for long backoffs. */
const MAX_FAILURES = 2;

const ofFile = FleetOfFile.start({ callbacks: true });

/** A handler that fails a third of the requests, and records the others. */
class FlakyHandler {
  /** Ids of accepted streams. */
  readonly accepted: string[] = [];
  /** Ids of streams by the jti of the stop that was answered 200. */
  readonly stopped = new Map<string, string>();
  /** The event of each jti. */
  readonly meanings = new Map<string, Set<string>>();
  failed = 0;
  redelivered = 0;
  readonly #failures = new Map<string, number>();
  #requests = 0;

  answer({ claims }: CallbackRequest): { status: number; headers?: Record<string, string> } {
    const event = String(claims['event']);
    const channel = String(claims['channel']);
    const jti = String(claims['jti']);
    const streamId = String(claims['stream_id']);
    const meanings = this.meanings.get(jti) ?? new Set();
    if (meanings.size > 0) this.redelivered += 1;
    this.meanings.set(jti, meanings.add([event, channel, streamId].join()));
    this.#requests += 1;
    const failures = this.#failures.get(jti) ?? 0;
    if (this.#requests % 3 === 0 && failures < MAX_FAILURES) {
      this.#failures.set(jti, failures + 1);
      this.failed += 1;
      return { status: 500 };
    }
    if (event === 'stop') {
      this.stopped.set(jti, streamId);
      return { status: 200 };
    }
    const id = `${channel}-stream-${this.accepted.length}`;
    this.accepted.push(id);
    return { status: 200, headers: { 'stream-id': id } };
  }
}

test('a node that is killed while the handler is asked: the stop names the start, also where the publisher had left', async () => {
  const { fleet } = ofFile;
  const steady = await fleet.watchdog();
  const killed = (steady + 1) % 3;
  const channels = [fleet.newChannel(), fleet.newChannel()];
  for (const channel of channels) {
    fleet.journal.answer(channel, ({ claims }) => ({ neverAnswer: claims['event'] === 'start' }));
  }
  const publishers = await Promise.all(channels.map((channel) => fleet.connect(killed, channel)));
  await Promise.all(publishers.map((publisher) => publisher.createStream()));
  for (const publisher of publishers) publisher.sendPublish('key');
  const starts = await Promise.all(channels.map((channel) => fleet.journal.next(channel, 'start')));
  await publishers[0]!.connection.reset();
  await fleet.node(killed).waitForLog(new RegExp(`closed.*channel=${channels[0]}`));
  fleet.node(killed).program.signal('SIGKILL');
  await fleet.node(steady).waitForLog(/A node of the fleet is gone/, 40_000);
  const stops = await Promise.all(channels.map((channel) => fleet.journal.next(channel, 'stop')));
  const ofStart = (event: string): { claims: Record<string, unknown> }[] =>
    starts.map(({ claims }) => ({ claims: { event, start_jti: claims['jti'], stream_id: '' } }));
  expect(stops).toMatchObject(ofStart('stop'));
  fleet.closeClients();
  await fleet.restartNode(killed);
}, 90_000);

test('a killed node, a handler that fails a third of the time and is away for a while: each start has its stop', async () => {
  const { fleet } = ofFile;
  const handler = new FlakyHandler();
  fleet.handler.answerWith((request) => handler.answer(request));
  const steady = await fleet.watchdog();
  const [killed, third] = [(steady + 1) % 3, (steady + 2) % 3];
  const channels = Array.from({ length: PUBLISHERS }, () => fleet.newChannel());
  const publishers = await Promise.all(channels.map((channel, i) => fleet.publisherWhenPossible(i % 3, channel)));
  expect(handler.accepted).toHaveLength(PUBLISHERS);

  const lost = channels[killed]!;
  const viewer = await fleet.player(third, lost);
  await expectFlows(publishers[killed]!, viewer, 'before');
  await fleet.handler.stop();
  fleet.node(killed).program.signal('SIGKILL');
  // Some of the others end while the handler is away.
  publishers.forEach((publisher, i) => {
    if (i % 3 !== killed && i % 4 === 0) publisher.deleteStream();
  });
  for (const at of [steady, third]) await fleet.node(at).waitForLog(/Stop callback failed, it is retried/);
  await fleet.handler.start();
  await viewer.waitForStatus('NetStream.Play.UnpublishNotify', 15_000);
  await fleet.node(steady).waitForLog(/A node of the fleet is gone/, 20_000);
  const again = await fleet.publisherWhenPossible(steady, lost);
  await expectFlows(again, viewer, 'again');
  fleet.closeClients();

  while (handler.stopped.size < handler.accepted.length) {
    await fleet.handler.request(fleet.handler.requests.length + 1);
  }
  expect(handler.accepted).toHaveLength(PUBLISHERS + 1);
  expect([...handler.stopped.values()].sort()).toEqual([...handler.accepted].sort());
  expect([...handler.meanings.values()].filter(({ size }) => size !== 1)).toEqual([]);
  expect(handler.failed).toBeGreaterThan(PUBLISHERS / 3);
  expect(handler.redelivered).toBeGreaterThan(0);
}, 90_000);
