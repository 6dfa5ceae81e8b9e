import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { type CertificatePair } from '../../../../service/config/certificate-pair';
import { SecretsManager } from '../../../../service/aws/secrets-manager';
import { certificateSource } from '../../../../service/net/tls/certificate-source';
import { CertificateStore, type LoadedCertificate } from '../../../../service/net/tls/certificate-store';
import { MemoryLogger } from '../../../support/memory-logger';
import {
  createTestCertificate,
  temporaryDirectory,
  type TestCertificate,
} from '../../../support/servers/test-certificates';

const directory = temporaryDirectory();
const certPath = join(directory.path, 'live.crt');
const keyPath = join(directory.path, 'live.key');
/** Long enough that only `check()` looks at the files. */
const NEVER_MS = 86_400_000;
let first: TestCertificate;
let second: TestCertificate;
let logger: MemoryLogger;
let store: CertificateStore | undefined;

beforeAll(() => {
  first = createTestCertificate(directory.path, 'first');
  second = createTestCertificate(directory.path, 'second');
});
afterAll(() => directory.remove());

beforeEach(() => {
  logger = new MemoryLogger();
  install(first);
});
afterEach(() => {
  store?.close();
  store = undefined;
});

function install({ cert, key }: CertificatePair): void {
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
}

async function open(reloadCheckMs = NEVER_MS): Promise<CertificateStore> {
  store = await CertificateStore.open({
    source: certificateSource(certPath, keyPath, new SecretsManager()),
    reloadCheckMs,
    log: logger,
  });
  return store;
}

const warnings = () => logger.entries.filter((entry) => entry.level === 'warning');
const commonName = ({ pair }: LoadedCertificate) => new X509Certificate(pair.cert).subject;

describe('changes of the files', () => {
  test('a new pair is taken, told and logged', async () => {
    const certificates = await open();
    const told: string[] = [];
    certificates.onChange((loaded) => told.push(commonName(loaded)));
    await certificates.check();
    expect(told).toEqual([]);
    install(second);
    await certificates.check();
    expect(told).toEqual(['CN=second']);
    expect(commonName(certificates.current)).toBe('CN=second');
    expect(logger.matching(/^info TLS certificate in use .*CN=second/)).toHaveLength(1);
  });

  test('they are noticed without being asked', async () => {
    const certificates = await open(10);
    const changed = new Promise<string>((resolve) => {
      certificates.onChange((loaded) => resolve(commonName(loaded)));
    });
    install(second);
    expect(await changed).toBe('CN=second');
  });

  test('so is a symlink that points elsewhere with the same size and time, as Kubernetes and certbot rotate', async () => {
    rmSync(certPath);
    rmSync(keyPath);
    symlinkSync(first.certPath, certPath);
    symlinkSync(first.keyPath, keyPath);
    const certificates = await open();
    for (const [target, path] of [
      [second.certPath, certPath],
      [second.keyPath, keyPath],
    ] as const) {
      symlinkSync(target, `${path}.new`);
      renameSync(`${path}.new`, path);
    }
    await certificates.check();
    expect(commonName(certificates.current)).toBe('CN=second');
    rmSync(certPath);
    rmSync(keyPath);
  });

  test.each<[string, () => void]>([
    ['the certificate is half written', () => writeFileSync(certPath, second.cert.slice(0, 200))],
    ['the certificate is empty', () => writeFileSync(certPath, '')],
    ['the certificate is gone', () => rmSync(certPath)],
    ['the key is gone', () => rmSync(keyPath)],
    ['the key is garbage', () => writeFileSync(keyPath, 'garbage')],
    ['only the certificate is the new one', () => copyFileSync(second.certPath, certPath)],
    ['only the key is the new one', () => copyFileSync(second.keyPath, keyPath)],
  ])(
    'while %s the old pair stays, one warning is logged, and the good pair that follows is taken',
    async (_name, spoil) => {
      const certificates = await open();
      const before = certificates.current;
      spoil();
      await certificates.check();
      await certificates.check();
      await certificates.check();
      expect(certificates.current).toBe(before);
      expect(warnings()).toHaveLength(1);
      install(second);
      await certificates.check();
      expect(commonName(certificates.current)).toBe('CN=second');
      expect(warnings()).toHaveLength(1);
    },
  );

  test('another bad state is another warning, and so is the same one after all was well', async () => {
    const certificates = await open();
    for (const spoil of ['one', 'one', 'two']) {
      writeFileSync(certPath, spoil);
      await certificates.check();
    }
    expect(warnings()).toHaveLength(2);
    install(first);
    await certificates.check();
    writeFileSync(certPath, 'two');
    await certificates.check();
    expect(warnings()).toHaveLength(3);
  });

  test('no part of a key is ever logged', async () => {
    const certificates = await open();
    writeFileSync(keyPath, second.key.slice(0, 150));
    await certificates.check();
    const secret = second.key.split('\n')[1]!.slice(0, 20);
    expect(warnings()).toHaveLength(1);
    expect(logger.lines.join('\n')).not.toContain(secret);
  });
});

describe('source', () => {
  test('a first pair that cannot be used is an error, not a listener that refuses everybody', async () => {
    install({ cert: first.cert, key: second.key });
    await expect(open()).rejects.toThrow('is the private key of another certificate');
    rmSync(certPath);
    await expect(open()).rejects.toThrow('ENOENT');
  });

  test('one that hangs is given up on, and asked again later', async () => {
    jest.useFakeTimers();
    try {
      let answer: () => Promise<CertificatePair> = () => Promise.resolve(first);
      store = await CertificateStore.open({ source: () => answer(), reloadCheckMs: 60_000, log: logger });
      answer = () => new Promise(() => undefined);
      await jest.advanceTimersByTimeAsync(90_000);
      expect(warnings()[0]?.fields).toEqual({ error: 'Error: no certificate within 30 s' });
      answer = () => Promise.resolve(second);
      await jest.advanceTimersByTimeAsync(60_000);
      expect(commonName(store.current)).toBe('CN=second');
    } finally {
      jest.useRealTimers();
    }
  });

  test('after close nothing changes and no timer is left', async () => {
    jest.useFakeTimers();
    try {
      store = await CertificateStore.open({ source: () => Promise.resolve(first), reloadCheckMs: 1000, log: logger });
      store.close();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('an expired certificate serves, with a warning', async () => {
    const date = jest.spyOn(Date, 'now').mockReturnValue(new Date('2100-01-01').getTime());
    try {
      await open();
      expect(warnings()[0]?.message).toBe('TLS certificate in use has expired');
    } finally {
      date.mockRestore();
    }
  });
});

describe('a TLS server that follows the store', () => {
  let server: Server;
  afterEach(() => void server.close());

  async function dial(servername?: string): Promise<TLSSocket> {
    const { port } = server.address() as AddressInfo;
    const options = servername === undefined ? {} : { servername };
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    return socket;
  }

  test('shows new connections the new certificate, with and without a name, and leaves open ones alone', async () => {
    const certificates = await open();
    server = createServer({ ...certificates.current.pair }, (socket) =>
      socket.on('error', () => undefined).pipe(socket),
    );
    certificates.onChange(({ pair }) => server.setSecureContext({ ...pair }));
    await once(server.listen(0, '127.0.0.1'), 'listening');

    const running = await dial();
    expect(running.getPeerCertificate().subject.CN).toBe('first');
    install(second);
    await certificates.check();
    for (const servername of [undefined, 'localhost']) {
      const fresh = await dial(servername);
      expect(fresh.getPeerCertificate().subject.CN).toBe('second');
      fresh.destroy();
    }
    running.write('still here');
    const [echo] = (await once(running, 'data')) as [Buffer];
    expect(echo.toString()).toBe('still here');
    running.destroy();
  });
});
