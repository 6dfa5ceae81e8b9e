import { describe, expect, test } from '@jest/globals';
import { avc } from '../../support/rtmp/media';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

describe('acknowledgements', () => {
  test('window-ack: client asks for 20000 bytes, server acknowledges about every 20000 bytes with the byte count', async () => {
    const publisher = await server.publisher(server.newChannel());
    publisher.setWindowAckSize(20_000);
    const { socket } = publisher.connection;
    const counts: number[] = [];
    for (let index = 0; index < 10; index += 1) {
      publisher.sendVideo(index * 40, avc.keyframe(`frame-${index}`, 21_000));
      counts.push(await publisher.waitForControl(MessageType.acknowledgement));
      // The byte count is the connection's, handshake included, and never ahead of what was sent.
      expect(counts.at(-1)).toBeLessThanOrEqual(socket.bytesWritten);
      expect(counts.at(-1)).toBeGreaterThan(socket.bytesWritten - 20_000);
    }
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  test('a window may be asked for late, and what came in before is acknowledged then', async () => {
    const publisher = await server.publisher(server.newChannel());
    publisher.sendVideo(0, avc.keyframe('before', 300_000));
    publisher.setWindowAckSize(20_000);
    const count = await publisher.waitForControl(MessageType.acknowledgement);
    expect(count).toBeGreaterThan(280_000);
    expect(count).toBeLessThanOrEqual(publisher.connection.socket.bytesWritten);
  });

  test('every window is acknowledged, however much is read at once', async () => {
    const publisher = await server.publisher(server.newChannel());
    publisher.setWindowAckSize(20_000);
    await publisher.roundTrip();
    publisher.sendVideo(0, avc.keyframe('large', 2_000_000));
    const counts: number[] = [];
    while ((counts.at(-1) ?? 0) < 1_980_000) counts.push(await publisher.waitForControl(MessageType.acknowledgement));
    const steps = counts.slice(1).map((count, index) => count - counts[index]!);
    expect(new Set(steps)).toEqual(new Set([20_000]));
  });

  test('a client that asked for no window is sent no acknowledgement', async () => {
    const publisher = await server.publisher(server.newChannel());
    for (let index = 0; index < 8; index += 1) publisher.sendVideo(index * 40, avc.keyframe('large', 1_000_000));
    await publisher.roundTrip();
    expect(publisher.received.filter(({ type }) => type === MessageType.acknowledgement)).toEqual([]);
  });

  test('a window of 0 asks for no acknowledgements', async () => {
    const publisher = await server.publisher(server.newChannel());
    publisher.setWindowAckSize(0);
    for (let index = 0; index < 20; index += 1) publisher.sendVideo(index * 40, avc.interFrame('small', 100));
    await publisher.roundTrip();
    const acks = publisher.received.filter(({ type }) => type === MessageType.acknowledgement);
    expect(acks).toEqual([]);
  });
});

describe('user control', () => {
  test('a ping request of the client is answered with its own time', async () => {
    const client = await server.connect('live');
    client.connection.send(userControl(UserControl.pingRequest, 0xfedcba98));
    expect(await client.waitForUserControl(UserControl.pingResponse)).toBe(0xfedcba98);
  });

  test('SetBufferLength and unknown events (31, 32) are harmless', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    for (const event of [UserControl.setBufferLength, 31, 32, 99])
      publisher.connection.send(userControl(event, 1, 3_000));
    await expectFlows(publisher, await server.player(channel), 'unharmed');
  });
});
