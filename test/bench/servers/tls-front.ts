import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CERTIFICATE_FILE, KEY_FILE, type LaunchPlan } from './server-kind';

/** Leaves a self-signed P-256 certificate and its key in the directory. */
export function writeCertificate(directory: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', join(directory, KEY_FILE), '-out', join(directory, CERTIFICATE_FILE)];
  const openssl = spawnSync('openssl', [...args, ...files, '-subj', '/CN=localhost'], { encoding: 'utf8' });
  if (openssl.status !== 0) throw new Error(`openssl makes no certificate: ${openssl.stderr}`);
}

/** HAProxy with one thread that terminates TLS on `tlsPort` and passes plain RTMP to `port`. */
export function prepareHaproxy(directory: string, tlsPort: number, port: number): LaunchPlan {
  const both = join(directory, 'both.pem');
  writeFileSync(
    both,
    readFileSync(join(directory, CERTIFICATE_FILE), 'utf8') + readFileSync(join(directory, KEY_FILE), 'utf8'),
  );
  const config = join(directory, 'haproxy.cfg');
  writeFileSync(
    config,
    `
global
  nbthread 1
  maxconn 5000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen rtmps
  bind 127.0.0.1:${tlsPort} ssl crt ${both}
  server plain 127.0.0.1:${port}
`,
  );
  return { command: 'haproxy', args: ['-q', '-db', '-f', config], env: {} };
}
