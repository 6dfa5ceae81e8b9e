import { afterAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { avcAacStream } from '../../support/rtmp/media';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';
import {
  createTestCertificate,
  temporaryDirectory,
  type TestCertificate,
} from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
const path = (name: string): string => join(folder.path, name);
const [first, second, third] = ['first', 'second', 'third'].map((name) => createTestCertificate(folder.path, name));
const [live, liveKey] = [path('live.crt'), path('live.key')];
install(first!);
afterAll(() => folder.remove());

/** As certificate tools do: the key, then the certificate, each in one step. */
function install({ certPath, keyPath }: TestCertificate): void {
  for (const [from, to] of [
    [keyPath, liveKey],
    [certPath, live],
  ] as const) {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }
}

const server = ServerOfFile.start({ SSL_CERT: live, SSL_KEY: liveKey, SSL_CHECK_RELOAD_SECONDS: '1' });
const secure = () => ({ port: server.process.rtmpsPort, tls: true });

function tlsSocketOf({ connection: { socket } }: RtmpClient): TLSSocket {
  if (!(socket instanceof TLSSocket)) throw new Error('not a TLS connection');
  return socket;
}

const certificateOf = (client: RtmpClient): string => String(tlsSocketOf(client).getPeerCertificate().subject.CN);

async function servedCertificate(): Promise<string> {
  const client = await server.open(secure());
  const name = certificateOf(client);
  client.connection.socket.destroy();
  return name;
}

/** Within SSL_CHECK_RELOAD_SECONDS and 4 s. */
async function untilServed(name: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while ((await servedCertificate()) !== name) {
    if (Date.now() > deadline) throw new Error(`${name} is not served`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('a client that renegotiates over and over is disconnected', async () => {
  const args = ['s_client', '-connect', `127.0.0.1:${server.process.rtmpsPort}`, '-tls1_2'];
  const openssl = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  openssl.stderr.on('data', (text: Buffer) => (output += text.toString()));
  openssl.stdout.on('data', (text: Buffer) => {
    output += text.toString();
    if (output.includes('Verify return code') && !output.includes('RENEGOTIATING')) openssl.stdin.write('R\n');
  });
  openssl.stdin.on('error', () => undefined);
  await once(openssl, 'close');
  expect(output).toContain('RENEGOTIATING');
  await expectFlows(await server.publisher('calm', 'key', secure()), await server.player('calm'), 'others go on');
});

describe('RTMPS', () => {
  test('publish and play over TLS, plain RTMP players of the same channel too, bit-identical', async () => {
    const channel = server.newChannel();
    const players = [await server.player(channel, 'key', secure()), await server.player(channel)];
    const publisher = await server.publisher(channel, 'key', secure());
    const items = avcAacStream('tls', 100, { size: 5_000 });
    sendMedia(publisher, items);
    await Promise.all(players.map((player) => expectMedia(player, items)));
    const plain = await server.publisher(server.newChannel());
    await expectFlows(plain, await server.player(`${server.prefix}-2`, 'key', secure()), 'plain to TLS');
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s is accepted', async (version) => {
    const client = await server.open({ ...secure(), tls: { minVersion: version, maxVersion: version } });
    expect(tlsSocketOf(client).getProtocol()).toBe(version);
    expect((await client.callConnect({ app: 'live' })).name).toBe('_result');
  });

  test.each(['TLSv1', 'TLSv1.1'] as const)('%s is not', async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0' };
    await expect(server.open({ ...secure(), tls: old })).rejects.toThrow();
  });

  test('plain RTMP on the TLS port, TLS on the plain port, and a connection without a word harm nobody', async () => {
    await expect(server.open({ port: server.process.rtmpsPort })).rejects.toThrow();
    await expect(server.open({ tls: true })).rejects.toThrow();
    const silent = connectTcp(server.process.rtmpsPort, '127.0.0.1');
    await server.connect('live', secure());
    silent.destroy();
  });

  test('certificate replaced on disk: new connections see it; a running session stays up', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel, 'key', secure());
    const player = await server.player(channel, 'key', secure());
    expect(certificateOf(player)).toBe('first');
    install(second!);
    await untilServed('second');
    await expectFlows(publisher, player, 'still up');
    expect(certificateOf(player)).toBe('first');
  });

  test('certificate replaced by garbage: the old one stays in use, the server lives, a later good one is taken', async () => {
    const before = await servedCertificate();
    writeFileSync(live, 'garbage');
    await server.process.waitForLog(/WARNING.*certificate/i);
    expect(await servedCertificate()).toBe(before);
    install(third!);
    await untilServed('third');
  });
});

describe('RTMPS settings', () => {
  async function failedStart(environment: ServerEnvironment): Promise<string> {
    const failing = await ServerProcess.start(environment, { waitUntilReady: false });
    expect((await failing.exited).code).toBe(1);
    return failing.log;
  }

  test('bad SSL_CERT or SSL_KEY at start (missing file, garbage, key of another certificate): clear error and end', async () => {
    writeFileSync(path('garbage'), 'garbage');
    const good = { SSL_CERT: first!.certPath, SSL_KEY: first!.keyPath };
    const [missing, garbage, mismatch] = await Promise.all([
      failedStart({ ...good, SSL_CERT: path('missing') }),
      failedStart({ ...good, SSL_CERT: path('garbage'), SSL_KEY: path('garbage') }),
      failedStart({ ...good, SSL_KEY: second!.keyPath }),
    ]);
    expect(missing).toMatch(/SSL_CERT is ".*missing" \(no such file/);
    expect(garbage).toMatch(/SSL_(CERT|KEY) is ".*garbage" \(the file is not a PEM/);
    expect(mismatch).toMatch(/SSL_KEY is .*another certificate/);
  });

  test('SSL_CERT without SSL_KEY: plain RTMP only, nothing on SSL_PORT', async () => {
    const half = await ServerProcess.start({ SSL_CERT: first!.certPath });
    await (await RtmpClient.open({ port: half.rtmpPort })).close();
    expect(half.log).not.toContain('RTMPS listening');
    expect(half.log).toMatch(/RTMPS is off: SSL_CERT is set but SSL_KEY is not/);
    await half.stop('SIGKILL');
  });
});
