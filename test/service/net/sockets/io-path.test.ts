import { afterAll, describe, expect, test } from '@jest/globals';
import { chooseIoPath } from '../../../../service/net/sockets/io-path';
import { findHandleFault } from '../../../../service/net/sockets/socket-check';
import { TlsTermination } from '../../../../service/net/tls/tls-termination';
import { MemoryLogger } from '../../../support/memory-logger';
import { avcAacStream } from '../../../support/rtmp/media';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { expectMedia, sendMedia } from '../../../support/servers/server-of-file';
import { createTestCertificate, temporaryDirectory } from '../../../support/servers/test-certificates';
import { startTestNode } from '../../../support/servers/test-node';

const folder = temporaryDirectory();
const { cert, key, certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
afterAll(() => folder.remove());

describe('how sockets are read', () => {
  test(`on Node.js ${process.version} is the better way, plain and with TLS, without a word`, async () => {
    const log = new MemoryLogger();
    expect(await findHandleFault(new TlsTermination({ cert, key }))).toBeUndefined();
    expect(await chooseIoPath(log)).toBe('onread');
    expect(log.entries).toEqual([]);
  });

  test('is public calls where the better way does not work, with one warning that says why', async () => {
    const log = new MemoryLogger();
    expect(await chooseIoPath(log, undefined, () => Promise.resolve('reading with onread: nothing comes'))).toBe(
      'public',
    );
    expect(log.lines).toEqual([expect.stringMatching(/^warning sockets are read by public calls.*nothing comes/)]);
  });

  test('is decided in time, whatever does not come', async () => {
    expect(await findHandleFault(undefined, 0)).toMatch(/not done within 0 ms/);
    const neverReady = { secure: () => undefined } as unknown as TlsTermination;
    expect(await findHandleFault(neverReady, 100)).toMatch(/^decrypting with onread: not done within/);
  });

  test.each(['onread', 'public'] as const)('is on the metrics page, and media goes through: %s', async (ioPath) => {
    const node = await startTestNode({ SSL_CERT: certPath, SSL_KEY: keyPath }, { ioPath });
    expect(await node.metric(`rtmp_io_path{path="${ioPath}"}`)).toBe(1);
    const media = avcAacStream('path', 20);
    for (const from of [{ port: node.ports.rtmp }, { port: node.ports.rtmps!, tls: true }]) {
      const target = { ...from, channel: `channel-${from.port}`, key: 'key' };
      const player = await RtmpClient.player(target);
      const publisher = await RtmpClient.publisher(target);
      sendMedia(publisher, media);
      await expectMedia(player, media);
      await publisher.close();
      await player.close();
    }
  });
});
