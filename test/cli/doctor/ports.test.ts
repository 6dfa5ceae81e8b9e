import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { probeRtmp } from '../../../service/cli/doctor/rtmp-probe';
import { parseRtmpAddress } from '../../../service/round-trip/rtmp-address';
import { STAND_IN_ENVIRONMENT } from '../../support/aws/stand-in-identity';
import { useEnvironment } from '../../support/environment';
import { freePort } from '../../support/servers/redis-server';
import { type ProxyFront, startProxyFront } from '../../support/servers/proxy-front';
import { startTestNode, type TestNode } from '../../support/servers/test-node';
import { examined, line } from './examined';

const environment = useEnvironment();
const fronts: ProxyFront[] = [];

afterEach(async () => {
  await Promise.all(fronts.splice(0).map((front) => front.stop()));
});

/** The settings with which doctor finds a node that runs in this process. */
function settingsOf({ ports }: TestNode, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { RTMP_PORT: String(ports.rtmp), HTTP_PORT: String(ports.http), BIND_ADDRESS: '127.0.0.1', ...more };
}

async function front(target: number, server: string): Promise<string> {
  const started = await startProxyFront({ target, server });
  fronts.push(started);
  return `rtmp://127.0.0.1:${started.port}`;
}

const through = (url: string) => ({ clientAddress: parseRtmpAddress(url) });

describe('the RTMP port', () => {
  test('is answered, and a test stream of three seconds comes back', async () => {
    const node = await startTestNode();
    const findings = await examined(settingsOf(node));
    expect(line(findings.get('port.rtmp'))).toMatch(/^ok RTMP is answered on 127\.0\.0\.1:\d+$/);
    expect(line(findings.get('port.http'))).toMatch(/^ok .*is ready for new streams$/);
    expect(line(findings.get('proxy'))).toMatch(/^ok Connections begin without a PROXY header/);
    expect(line(findings.get('publish'))).toMatch(
      /^ok Three seconds published to .*built-in publisher came back bit for bit/,
    );
  }, 60_000);

  test('is not answered', async () => {
    const findings = await examined({ RTMP_PORT: String(await freePort()), HTTP_PORT: String(await freePort()) });
    expect(line(findings.get('port.rtmp'))).toMatch(/^failed Nothing answers on .*ECONNREFUSED → Start the server/);
    expect(line(findings.get('port.http'))).toMatch(/^failed HTTP is not answered on .*ECONNREFUSED/);
    expect(line(findings.get('publish'))).toMatch(/^skipped /);
  });

  test('belongs to another program', async () => {
    const other = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    try {
      const findings = await examined({ RTMP_PORT: String(port) });
      expect(line(findings.get('port.rtmp'))).toMatch(/^failed .*does not speak RTMP → Another program/);
    } finally {
      other.close();
    }
  });
});

describe('with HAProxy in front', () => {
  const PROXIED = { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '127.0.0.1' };

  test('both agree on the header', async () => {
    const node = await startTestNode(PROXIED);
    const url = await front(node.ports.rtmp, 'send-proxy-v2');
    const findings = await examined(settingsOf(node, PROXIED), through(url));
    expect(line(findings.get('proxy'))).toMatch(
      /^ok Clients that connect to .* reach the server, with a PROXY header \(v2\)$/,
    );
    expect(line(findings.get('publish'))).toMatch(/^ok /);
  }, 60_000);

  test('the header is expected, but missing', async () => {
    const node = await startTestNode(PROXIED);
    const url = await front(node.ports.rtmp, '');
    const findings = await examined(settingsOf(node, PROXIED), through(url));
    expect(line(findings.get('port.rtmp'))).toMatch(/^ok .*after a PROXY header \(v2\)$/);
    expect(line(findings.get('proxy'))).toMatch(/^failed .*sends no PROXY header .*expects v2\) → Turn it on/);
    expect(line(findings.get('publish'))).toMatch(/^failed /);
  }, 60_000);

  test('the header is sent, but not expected', async () => {
    const node = await startTestNode();
    const url = await front(node.ports.rtmp, 'send-proxy-v2');
    const findings = await examined(settingsOf(node), through(url));
    expect(line(findings.get('port.rtmp'))).toMatch(/^ok /);
    expect(line(findings.get('proxy'))).toMatch(/^failed .*probably sends a PROXY header.*→ Set PROXY_PROTOCOL=v2/);
  }, 60_000);

  test('the sender is not trusted', async () => {
    const untrusted = { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '192.0.2.1' };
    const node = await startTestNode(untrusted);
    const url = await front(node.ports.rtmp, 'send-proxy-v2');
    const findings = await examined(settingsOf(node, untrusted), through(url));
    expect(line(findings.get('port.rtmp'))).toMatch(/^skipped .*answers none from this machine/);
    expect(line(findings.get('proxy'))).toMatch(
      /^failed .*does not believe the PROXY header.*→ Add .* to PROXY_TRUSTED/,
    );
  }, 60_000);

  test('the load balancer cannot be reached', async () => {
    const node = await startTestNode();
    const findings = await examined(settingsOf(node), through(`rtmp://127.0.0.1:${await freePort()}`));
    expect(line(findings.get('proxy'))).toMatch(/^failed Clients cannot connect to .*ECONNREFUSED/);
  }, 60_000);

  test('the running server has other settings than these', async () => {
    const plain = await startTestNode();
    const expecting = await startTestNode(PROXIED);
    const unexpected = await examined(settingsOf(plain, PROXIED));
    expect(line(unexpected.get('proxy'))).toMatch(
      /^failed PROXY_PROTOCOL=v2 is set, but the running server answers without/,
    );
    const hidden = await examined(settingsOf(expecting));
    expect(line(hidden.get('proxy'))).toMatch(/^failed The running server expects a PROXY header \(v2\)/);
  }, 60_000);

  test('connections without the expected header have been refused before', async () => {
    const node = await startTestNode(PROXIED);
    const url = await front(node.ports.rtmp, '');
    expect((await probeRtmp(parseRtmpAddress(url)!)).kind).toBe('not-rtmp');
    const findings = await examined(settingsOf(node, PROXIED));
    expect(line(findings.get('proxy'))).toMatch(
      /^warning The server has refused \d+ connections because of their PROXY/,
    );
  }, 60_000);
});

test('a server that is not ready says why', async () => {
  const nowhere = `http://127.0.0.1:${await freePort()}`;
  environment.set({ ...STAND_IN_ENVIRONMENT, AWS_ENDPOINT_URL_SECRETS_MANAGER: nowhere });
  const secret = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:jwt';
  const node = await startTestNode({ CALLBACK_URL: 'http://127.0.0.1:1/', JWT_SECRET_ARN: secret });
  const findings = await examined(settingsOf(node));
  expect(line(findings.get('port.http'))).toMatch(/^failed The server on .* says: not ready: .*JWT_SECRET_ARN/);
}, 60_000);
