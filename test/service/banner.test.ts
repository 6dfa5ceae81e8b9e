import { afterAll, describe, expect, test } from '@jest/globals';
import { banner } from '../../service/banner';
import { loadServiceConfig } from '../../service/config/service-config';
import { createTestCertificate, temporaryDirectory } from '../support/servers/test-certificates';

const folder = temporaryDirectory();
afterAll(() => folder.remove());

const PORTS = { rtmp: 1935, rtmps: undefined, http: undefined };

function shown(environment: Record<string, string>, ports: Partial<Record<keyof typeof PORTS, number>> = {}): string {
  return banner(loadServiceConfig(environment).config, { ...PORTS, ...ports });
}

/** Every URL of a scheme, without what follows the host and port. */
function hosts(text: string, scheme: string): string[] {
  return [...text.matchAll(new RegExp(`${scheme}://([^/\\s]+)`, 'g'))].map(([, host]) => host!);
}

describe('the addresses that it names', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::1', '[::1]'],
    ['live.example.com', 'live.example.com'],
  ])('are those of BIND_ADDRESS=%s alone', (bindAddress, host) => {
    expect(new Set(hosts(shown({ BIND_ADDRESS: bindAddress }), 'rtmp'))).toEqual(new Set([host]));
  });

  test.each(['', '0.0.0.0', '::'])('lead to this machine with BIND_ADDRESS=%s', (bindAddress) => {
    const [server, ...local] = hosts(shown({ BIND_ADDRESS: bindAddress }), 'rtmp');
    expect(server).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(server).not.toBe('0.0.0.0');
    expect(local).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test('have the port where it is not that of the protocol', () => {
    expect(hosts(shown({ BIND_ADDRESS: '::1' }, { rtmp: 1936 }), 'rtmp')[0]).toBe('[::1]:1936');
  });

  test('are those of HTTP_BIND_ADDRESS for the console, the API, metrics and streams', () => {
    const text = shown({ HTTP_PORT: '8080', HTTP_BIND_ADDRESS: '192.0.2.7' }, { http: 8081 });
    expect(hosts(text, 'http')).toEqual(Array(4).fill('192.0.2.7:8081'));
    for (const path of ['/', '/api/v1/streams', '/metrics', '/live/live/demo.flv']) {
      expect(text).toContain(`http://192.0.2.7:8081${path}\n`);
    }
  });
});

describe('with a certificate', () => {
  const { certPath, keyPath } = createTestCertificate(folder.path, 'banner');

  test('it names the rtmps:// URL by the host name that the certificate holds for', () => {
    const environment = { SSL_CERT: certPath, SSL_KEY: keyPath };
    expect(hosts(shown(environment, { rtmps: 443 }), 'rtmps')).toEqual(['localhost']);
    expect(hosts(shown(environment, { rtmps: 8443 }), 'rtmps')).toEqual(['localhost:8443']);
  });

  test('and no such URL without', () => {
    expect(hosts(shown({}), 'rtmps')).toEqual([]);
  });
});

test('any key will do only while no callback decides', () => {
  const decided = { CALLBACK_URL: 'http://127.0.0.1:8000/', JWT_SECRET: 'x'.repeat(32) };
  expect(shown(decided)).toMatch(/Stream Key +KEY\n[^]*the handler at CALLBACK_URL decides/);
  expect(shown(decided)).not.toMatch(/will do|demo/);
  expect(shown({})).toMatch(/Stream Key +demo\n[^]*Any channel and key will do: 1 to 128 letters/);
});

test('what it proposes fits the names that are allowed', () => {
  expect(shown({ ID_MAX_LENGTH: '3', BIND_ADDRESS: '::1' })).toContain('rtmp://[::1]/liv/dem\n');
});

test('what keeps players or direct clients out is said', () => {
  expect(shown({ RTMP_PLAY_WHITELIST: '10.0.0.0/8' })).toContain('from an address of RTMP_PLAY_WHITELIST');
  const behindProxy = { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '10.0.0.0/8' };
  expect(shown(behindProxy)).toContain('clients need the address of your load balancer');
  expect(shown({})).not.toMatch(/WHITELIST|load balancer/);
});

describe('outputs', () => {
  test('it says where to watch and where recordings are, and shows no target', () => {
    const targets = 'rtmp://a.example.com/live/secret1 rtmp://b.example.com/live/secret2';
    const environment = { HLS_TO: 'memory', RECORD_TO: '/srv/recordings', FORWARD_URLS: targets, HTTP_PORT: '8080' };
    const text = shown(environment, { http: 8081 });
    expect(text).toMatch(/\n {2}Watch {4}http:\/\/127\.0\.0\.1:\d+\/watch\/live\?key=demo\n/);
    expect(text).toContain('Recordings: /srv/recordings');
    expect(text).toContain('forwarded to 2 targets');
    expect(text).not.toMatch(/secret|example/);
  });

  test('a bucket is named; what is in it is not watched here', () => {
    const text = shown({ HLS_TO: 's3://streams/hls', RECORD_TO: 's3://streams', HTTP_PORT: '8080' }, { http: 8080 });
    expect(text).toContain('HLS: s3://streams/hls');
    expect(text).toContain('Recordings: s3://streams\n');
    expect(text).not.toContain('/watch/');
  });

  test('without any, it does not mention them', () => {
    expect(shown({ HTTP_PORT: '8080' }, { http: 8080 })).not.toMatch(/Recordings|HLS|Watch|forwarded/);
  });
});
