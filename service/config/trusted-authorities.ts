import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { describeFileError } from './config-error';
import type { Environment } from './environment';
import type { ReadFile } from './environment';

/**
 * The authorities of SSL_CERT_FILE and the built-in ones, as PEM, for connections that the service makes.
 *
 * The old server's runtime honoured that variable; Node.js only knows NODE_EXTRA_CA_CERTS, and ignores it where a list
 * of authorities is given. So the list contains both. Undefined when SSL_CERT_FILE is not set: then Node.js's own rules
 * apply. A file that cannot be read is only a warning: the variable is set system-wide on some machines.
 */
export function readTrustedAuthorities(env: Environment, readFile: ReadFile = readFileSync): string | undefined {
  env.knows('NODE_EXTRA_CA_CERTS');
  const listed = readAuthorities(env, 'SSL_CERT_FILE', readFile);
  if (listed === undefined) return undefined;
  const extra = readAuthorities(env, 'NODE_EXTRA_CA_CERTS', readFile);
  return [...rootCertificates, listed, ...(extra === undefined ? [] : [extra])].join('\n');
}

function readAuthorities(env: Environment, name: string, readFile: ReadFile): string | undefined {
  const path = env.text(name);
  if (path === undefined) return undefined;
  try {
    return readFile(path).toString('utf8');
  } catch (error) {
    env.warn(`${name} is not used, "${path}" cannot be read: ${describeFileError(error)}`);
    return undefined;
  }
}
