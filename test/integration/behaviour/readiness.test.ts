import { afterAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';

const folder = temporaryDirectory();
const { certPath, keyPath } = createTestCertificate(folder.path, 'localhost');
const tls = { SSL_CERT: certPath, SSL_KEY: keyPath };
afterAll(() => folder.remove());

/** A Node.js under which S0, S1 and S2 end the connection that they are written to, while `condition` holds. */
function brokenNode(name: string, condition: string): readonly string[] {
  const path = join(folder.path, `${name}.cjs`);
  writeFileSync(
    path,
    `const { Socket } = require('node:net');
const { write } = Socket.prototype;
Socket.prototype.write = function (bytes, ...more) {
  if (bytes?.length === 3073 && (${condition})) return this.destroy(), false;
  return write.call(this, bytes, ...more);
};\n`,
  );
  return [process.execPath, '--require', path];
}

async function readiness(server: ServerProcess): Promise<{ status: number; text: string }> {
  const answer = await fetch(server.httpUrl('/readyz'));
  return { status: answer.status, text: await answer.text() };
}

async function until(server: ServerProcess, status: number, text = /^/): Promise<string> {
  for (const deadline = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const answer = await readiness(server);
    if (answer.status === status && text.test(answer.text)) return answer.text;
    if (Date.now() > deadline) throw new Error(`still ${answer.status} ${answer.text}:\n${server.log}`);
  }
}

describe('/readyz', () => {
  test.each<[string, ServerEnvironment]>([
    ['one process', tls],
    ['two', { ...tls, WORKERS: '2' }],
    ['two behind a load balancer', { ...tls, WORKERS: '2', PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '192.0.2.1' }],
  ])('is 200 with %s, and what that took is not in log and metrics', async (_, settings) => {
    const server = await ServerProcess.start({ ...settings, HTTP_PORT: '0' });
    expect(await until(server, 200)).toBe('ready');
    const metrics = await (await fetch(server.httpUrl('/metrics'))).text();
    const counted = metrics.split('\n').filter((line) => /^rtmp_(?:sessions|closed|rejected|received|sent)/.test(line));
    expect(counted.filter((line) => !line.endsWith(' 0'))).toEqual([]);
    expect(server.log.split('\n').filter((line) => !/ listening on |TLS certificate in use|^$/.test(line))).toEqual([]);
    expect(await server.stop()).toBe(0);
  });

  test('is 503 when handshakes are not answered, and says so; the start and /healthz do not mind', async () => {
    const command = brokenNode('broken', 'true');
    const server = await ServerProcess.start({ HTTP_PORT: '0' }, { command });
    expect(await readiness(server)).toEqual({
      status: 503,
      text: expect.stringMatching(/^not ready: RTMP does not answer a test connection: no answer to the handshake/),
    });
    expect((await fetch(server.httpUrl('/healthz'))).status).toBe(200);
    expect(server.log.match(/\[ERROR\] not ready: RTMP does not answer/g)).toHaveLength(1);
    expect(await server.stop()).toBe(0);
  });

  test('is 200 again once they are', async () => {
    const command = brokenNode('broken-for-a-while', '(globalThis.failed = (globalThis.failed ?? 0) + 1) < 8');
    const server = await ServerProcess.start({ HTTP_PORT: '0' }, { command });
    expect((await readiness(server)).status).toBe(503);
    await until(server, 200);
    expect(server.log).toMatch(/test connections are answered again/);
    expect(await server.stop()).toBe(0);
  });

  test('is 503 when one of two workers does not answer', async () => {
    const command = brokenNode('broken-worker', `require('node:cluster').worker?.id === 2`);
    const server = await ServerProcess.start({ HTTP_PORT: '0', WORKERS: '2' }, { command });
    await until(server, 503, /^not ready: (?:RTMP does not answer|no test connection to RTMP)/);
    expect(server.log).toMatch(/\[ERROR\] not ready: .*worker=2/);
    expect(server.log).not.toMatch(/\[ERROR\] not ready: .*worker=1/);
    expect(await server.stop()).toBe(0);
  });
});
