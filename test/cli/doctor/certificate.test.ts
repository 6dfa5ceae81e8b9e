import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseRtmpAddress } from '../../../service/round-trip/rtmp-address';
import { createTestCa, type TestCa } from '../../support/servers/test-ca';
import { createTestCertificate, temporaryDirectory } from '../../support/servers/test-certificates';
import { startTestNode } from '../../support/servers/test-node';
import { examined, line } from './examined';

const directory = temporaryDirectory();
let ca: TestCa;

beforeAll(() => {
  ca = createTestCa('DNS:live.example.com');
});
afterAll(() => {
  ca.remove();
  directory.remove();
});

const DAY_MS = 86_400_000;

function settings(certPath: string, keyPath: string): Record<string, string> {
  return { RTMP_PORT: '0', SSL_PORT: '0', SSL_CERT: certPath, SSL_KEY: keyPath };
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory.path, stdio: ['ignore', 'ignore', 'pipe'] });
}

test('a certificate of a known authority for the right name, and with another name', async () => {
  // SSL_CERT_FILE makes the test's authority known.
  const env = {
    ...settings(ca.certPath, ca.keyPath),
    SSL_CERT_FILE: ca.caPath,
    CALLBACK_URL: 'http://127.0.0.1:1/',
    JWT_SECRET: 's'.repeat(32),
  };
  const good = await examined(env, { clientAddress: parseRtmpAddress('rtmps://live.example.com') });
  expect(line(good.get('certificate'))).toMatch(/^ok /);
  expect(line(good.get('certificate.chain'))).toMatch(/^ok /);
  expect(line(good.get('certificate.name'))).toMatch(/^ok It is for live\.example\.com/);
  const other = await examined(env, { clientAddress: parseRtmpAddress('rtmps://127.0.0.1:1') });
  expect(line(other.get('certificate.name'))).toMatch(
    /^failed It is not for 127\.0\.0\.1, but for DNS:live\.example\.com → Get a/,
  );
}, 60_000);

test('an authority that nobody knows, and a certificate that signs itself', async () => {
  const unknown = await examined(settings(ca.certPath, ca.keyPath));
  expect(line(unknown.get('certificate.chain'))).toMatch(
    /^failed .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\) → Put the intermediate/,
  );
  const own = createTestCertificate(directory.path, 'self');
  const selfSigned = await examined(settings(own.certPath, own.keyPath));
  expect(line(selfSigned.get('certificate.chain'))).toMatch(
    /^warning The certificate is self-signed → Use a certificate/,
  );
}, 60_000);

test('few days left; expired', async () => {
  const soon = await examined(settings(ca.certPath, ca.keyPath));
  expect(line(soon.get('certificate.days'))).toMatch(/^warning The certificate is valid for 1 more days → Renew it/);
  const subject = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost'];
  openssl('req', ...subject, '-keyout', 'old.key', '-out', 'old.csr');
  const dates = ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z'];
  try {
    openssl('x509', '-req', '-in', 'old.csr', '-signkey', 'old.key', '-out', 'old.pem', ...dates);
  } catch {
    // OpenSSL before 3.4: the days are counted from now, and may be negative.
    openssl('x509', '-req', '-in', 'old.csr', '-signkey', 'old.key', '-out', 'old.pem', '-days', '-1');
  }
  const expired = await examined(settings(join(directory.path, 'old.pem'), join(directory.path, 'old.key')));
  expect(line(expired.get('certificate.days'))).toMatch(/^failed The certificate expired on .* → Renew it/);
  const early = await examined(settings(ca.certPath, ca.keyPath), { now: () => Date.now() - 30 * DAY_MS });
  expect(line(early.get('certificate.days'))).toMatch(/^failed .*valid only from/);
}, 60_000);

test('the key of another certificate', async () => {
  const one = createTestCertificate(directory.path, 'one');
  const two = createTestCertificate(directory.path, 'two');
  const findings = await examined(settings(one.certPath, two.keyPath));
  expect(line(findings.get('configuration'))).toMatch(/^failed SSL_KEY .*is the private key of another certificate/);
});

test('the running server presents it; or still the one before', async () => {
  const first = createTestCertificate(directory.path, 'first');
  const second = createTestCertificate(directory.path, 'second');
  const [certPath, keyPath] = [join(directory.path, 'live.crt'), join(directory.path, 'live.key')];
  writeFileSync(certPath, readFileSync(first.certPath));
  writeFileSync(keyPath, readFileSync(first.keyPath));
  const node = await startTestNode({ SSL_CERT: certPath, SSL_KEY: keyPath, SSL_CHECK_RELOAD_SECONDS: '3600' });
  const env = { ...settings(certPath, keyPath), SSL_PORT: String(node.ports.rtmps), BIND_ADDRESS: '127.0.0.1' };
  expect(line((await examined(env)).get('port.rtmps'))).toMatch(/^ok RTMPS is answered on 127\.0\.0\.1:\d+ with it$/);
  copyFileSync(second.certPath, certPath);
  copyFileSync(second.keyPath, keyPath);
  expect(line((await examined(env)).get('port.rtmps'))).toMatch(/^failed .*presents another certificate/);
  await node.stop();
  expect(line((await examined(env)).get('port.rtmps'))).toMatch(/^failed RTMPS is not answered .*ECONNREFUSED/);
}, 60_000);
