import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import type { Socket } from 'node:net';
import type { Batching } from '../../../service/net/batching/batching';
import { openGate } from '../../../service/net/gate/connection-gate';
import { ConnectionIntake } from '../../../service/net/connection-intake';
import type { IoPath } from '../../../service/net/sockets/io-path';
import type { PacedReader } from '../../../service/net/batching/held-readers';
import { RtmpListener } from '../../../service/net/rtmp-listener';
import { TlsTermination } from '../../../service/net/tls/tls-termination';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';
import { Tls13Records } from '../../support/servers/tls13-records';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { interFrame } from '../hub/stream-rig';
import { SessionRig } from '../session/session-rig';

const folder = temporaryDirectory();
const certificate = createTestCertificate(folder.path, 'localhost');
const ended: (() => void)[] = [];
afterEach(() => {
  for (const end of ended.splice(0)) end();
});
afterAll(() => folder.remove());

/** Leaves publishers unread while `paces` is set; a test decides when they are read again. */
class HandBatching {
  paces = true;
  held: PacedReader[] = [];
  #onHold: (() => void) | undefined;

  afterRead(): void {}

  hold(reader: PacedReader): void {
    this.held.push(reader);
    this.#onHold?.();
  }

  async untilHeld(): Promise<void> {
    if (this.held.length === 0) await new Promise<void>((resolve) => (this.#onHold = resolve));
  }

  readAgain(): void {
    for (const reader of this.held.splice(0)) reader.readAgain();
  }
}

/** A listener whose publishers are read when the test says so, and a client that publishes to it. */
async function published(secure: boolean, ioPath: IoPath) {
  const { rig, batching, port } = await listening(secure, ioPath);
  const client = await RtmpClient.publisher({ port, channel: 'channel', key: 'key', tls: secure });
  ended.push(() => client.connection.socket.destroy());
  const video = (timestamp: number, bytes = 10): void => client.sendVideo(timestamp, interFrame('v'.repeat(bytes)));
  const { stream } = rig.hub.find('channel')!.publication!;
  return { rig, batching, client, stream, video };
}

async function listening(secure: boolean, ioPath: IoPath) {
  const rig = new SessionRig();
  const batching = new HandBatching();
  const intake = new ConnectionIntake({
    context: rig.context,
    sessions: rig.sessions,
    batching: { ...bound(batching), paces: () => batching.paces } as unknown as Batching,
    ioPath,
  });
  const pair = { cert: certificate.cert, key: certificate.key };
  const tls = secure ? new TlsTermination(pair) : undefined;
  const listener = new RtmpListener({ gate: openGate(), intake, log: rig.log, tls });
  listener.open();
  const { port } = await listener.listen(0, '127.0.0.1');
  ended.push(() => listener.close());
  return { rig, batching, port };
}

function bound(batching: HandBatching) {
  return { afterRead: () => batching.afterRead(), hold: (reader: PacedReader) => batching.hold(reader) };
}

describe.each<[string, boolean, IoPath]>([
  ['RTMP', false, 'onread'],
  ['RTMPS', true, 'onread'],
  ['RTMP, by public calls alone,', false, 'public'],
  ['RTMPS, by public calls alone,', true, 'public'],
])('a publisher over %s that is not to be read for a while', (_, secure, ioPath) => {
  test('is read until nothing more is there, then left alone until it is its turn, and nothing is lost', async () => {
    const { rig, batching, client, stream, video } = await published(secure, ioPath);
    video(0);
    await batching.untilHeld();
    expect(stream.stats.messages).toBe(1);
    const { reads } = rig.traffic;
    for (let i = 1; i <= 20; i += 1) {
      video(i);
      await client.connection.flush();
    }
    expect([stream.stats.messages, rig.traffic.reads]).toEqual([1, reads]);
    while (stream.stats.messages < 21) {
      batching.readAgain();
      await batching.untilHeld();
    }
    expect(stream.stats.messages).toBe(21);
  });

  test('loses no speed: more than one read takes is read before it is left alone', async () => {
    const { batching, client, stream, video } = await published(secure, ioPath);
    video(0);
    await batching.untilHeld();
    const sent = 16;
    for (let i = 1; i <= sent; i += 1) video(i, 100_000);
    let turns = 0;
    while (stream.stats.messages <= sent) {
      await untilStuck(client.connection.socket);
      batching.readAgain();
      await batching.untilHeld();
      turns += 1;
    }
    expect(stream.stats.messages).toBe(sent + 1);
    expect(turns).toBeLessThan(sent / 2);
  });

  test('may stop publishing, and is read at once from then on', async () => {
    const { batching, client, video } = await published(secure, ioPath);
    video(0);
    await batching.untilHeld();
    client.deleteStream();
    await client.connection.flush();
    batching.readAgain();
    await client.waitForStatus('NetStream.Unpublish.Success');
    await client.roundTrip();
    expect(batching.held).toEqual([]);
    await client.publish('key');
    video(40);
    await batching.untilHeld();
  });

  test('may go: that is noticed when it is its turn', async () => {
    const { rig, batching, client, video } = await published(secure, ioPath);
    video(0);
    await batching.untilHeld();
    const closed = new Promise<void>((resolve) => (rig.closed.push = () => (resolve(), 1)));
    await client.connection.flush();
    client.connection.socket.end();
    batching.readAgain();
    await closed;
    expect(rig.hub.find('channel')?.publication).toBeFalsy();
  });

  test('is read at once again when that is no longer so', async () => {
    const { batching, client, video } = await published(secure, ioPath);
    video(0);
    await batching.untilHeld();
    batching.paces = false;
    batching.readAgain();
    for (let i = 1; i <= 3; i += 1) {
      video(i);
      await client.roundTrip();
    }
    expect(batching.held).toEqual([]);
  });
});

/** Waits until the client has written what the system takes, as it would between two ticks. */
async function untilStuck(socket: Socket): Promise<void> {
  for (let unsent = -1; unsent !== socket.writableLength;) {
    unsent = socket.writableLength;
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  }
}

test('a publisher that sends as fast as it can shares the event loop with others, and nothing is lost', async () => {
  const { rig, batching, stream, video } = await published(false, 'onread');
  batching.paces = false;
  const sent = 200;
  for (let i = 0; i < sent; i += 1) video(i, 100_000);
  let most = 0;
  while (stream.stats.messages < sent) {
    const { reads } = rig.traffic;
    await new Promise(setImmediate);
    most = Math.max(most, rig.traffic.reads - reads);
  }
  // Without a limit the event loop reads a socket up to 32 times before the next socket.
  expect(most).toBeLessThan(8);
});

describe.each<IoPath>(['onread', 'public'])('a stranger over RTMPS, read by %s,', (ioPath) => {
  async function stranger() {
    const { rig, port } = await listening(true, ioPath);
    const client = await Tls13Records.open(port);
    ended.push(() => client.socket.destroy());
    while (rig.sessions.size === 0) await new Promise(setImmediate);
    return { rig, client };
  }

  test('that sends key updates and nothing else is disconnected after a few of them', async () => {
    const { rig, client } = await stranger();
    const ends = new Promise<string>((resolve) => (rig.closed.push = (code) => (resolve(code), 1)));
    client.socket.write(Buffer.concat(Array.from({ length: 100 }, () => client.keyUpdate())));
    expect(await ends).toBe('over_budget');
  });

  test('may change its key now and then', async () => {
    const { rig, client } = await stranger();
    const { c0c1 } = new ClientHandshake();
    const hello = Buffer.concat([c0c1, Buffer.alloc(1536)]);
    for (let i = 0; i < 32; i += 1) client.socket.write(client.keyUpdate());
    client.socket.write(client.data(hello));
    const [session] = rig.sessions;
    while (session!.intake.receivedBytes < hello.length) await new Promise(setImmediate);
    expect(rig.closed).toEqual([]);
  });

  test('that sends bytes one by one shares the event loop with others, and nothing is lost', async () => {
    const { rig, client } = await stranger();
    const { c0c1 } = new ClientHandshake();
    client.socket.write(client.data(Buffer.concat([c0c1, Buffer.alloc(1536)])));
    const one = Buffer.alloc(1);
    const sent = 16_000;
    // The header of a large message, then its bytes.
    const header = Buffer.from([3, 0, 0, 0, 0, 0x80, 0, 20, 0, 0, 0, 0]);
    client.socket.write(client.data(Buffer.from([2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 1, 0, 0])));
    client.socket.write(client.data(header));
    client.socket.write(Buffer.concat(Array.from({ length: sent }, () => client.data(one))));
    const [session] = rig.sessions;
    let most = 0;
    while (session!.intake.receivedBytes < 1 + 2 * 1536 + 28 + sent) {
      const { reads } = rig.traffic;
      await new Promise(setImmediate);
      most = Math.max(most, rig.traffic.reads - reads);
    }
    // Without a limit the event loop reads a socket up to 32 times, 2,800 such records each, before the next socket.
    expect(most).toBeLessThan(3_000);
    expect(rig.closed).toEqual([]);
  });
});

test.each([
  ['RTMP', false],
  ['RTMPS', true],
])('a publisher over %s that may wait for acknowledgements is never left unread', async (_, secure) => {
  const { batching, client, video } = await published(secure, 'onread');
  video(0);
  await batching.untilHeld();
  client.setWindowAckSize(20_000);
  await client.connection.flush();
  batching.readAgain();
  for (let i = 1; i <= 3; i += 1) {
    video(i);
    await client.roundTrip();
  }
  expect(batching.held).toEqual([]);
});

test('a publisher may reset the connection: what it had sent is read although a write to it fails first', async () => {
  const { rig, batching, client, stream, video } = await published(false, 'onread');
  video(0);
  await batching.untilHeld();
  const { socket } = client.connection;
  // In one segment, so that none waits for another's acknowledgement: a reset would drop it on the client's side.
  socket.cork();
  for (let i = 1; i <= 20; i += 1) video(i, 1_000);
  socket.uncork();
  await client.connection.flush();
  const closed = new Promise<void>((resolve) => (rig.closed.push = () => (resolve(), 1)));
  await client.reset();
  const [session] = rig.sessions;
  session!.ping(0);
  await closed;
  expect(stream.stats.messages).toBe(21);
});
