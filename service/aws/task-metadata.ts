import { get } from 'node:http';
import { isIPv4 } from 'node:net';
import type { Logger } from '../logging/logger';

/** What an ECS task knows about itself. */
export interface TaskIdentity {
  /** Its own private IPv4 address; empty when it says none. */
  readonly address: string;
  readonly taskArn: string;
  /** ARN or name, as the endpoint gives it. */
  readonly cluster: string;
  /** Of the task definition, `family:revision`. */
  readonly definition: string;
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 2_000;
const RETRY_MS = 250;
/** A task of ten containers takes some 20 KB. */
const MAX_BYTES = 256 * 1024;

/**
 * Asks the task metadata endpoint (version 4) of ECS; `base` is ECS_CONTAINER_METADATA_URI_V4. Resolves within seven
 * seconds, to undefined when it cannot be had: a node works without.
 */
export async function readTaskMetadata(base: URL, logger: Logger): Promise<TaskIdentity | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return identityOf(JSON.parse(await fetchText(new URL(`${base.href.replace(/\/$/, '')}/task`))));
    } catch (error) {
      if (attempt === ATTEMPTS) {
        logger.warning('the ECS task metadata cannot be read', { reason: String(error) });
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt * (0.5 + Math.random() / 2)));
    }
  }
}

function fetchText(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      if (response.statusCode !== 200) {
        reject(new Error(`status ${response.statusCode}`));
        response.destroy();
        return;
      }
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > MAX_BYTES) response.destroy(new Error(`more than ${MAX_BYTES} bytes`));
      });
      response.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}

function identityOf(answer: unknown): TaskIdentity {
  const task = fields(answer);
  const family = text(task['Family']);
  return {
    address: list(task['Containers']).flatMap(addressesOf)[0] ?? '',
    taskArn: text(task['TaskARN']),
    cluster: text(task['Cluster']),
    definition: family === '' ? '' : `${family}:${text(task['Revision'])}`,
  };
}

/** Containers of a Fargate task share one network interface, so the first address is everybody's. */
function addressesOf(container: unknown): string[] {
  return list(fields(container)['Networks'])
    .flatMap((network) => list(fields(network)['IPv4Addresses']))
    .map(text)
    .filter(isIPv4);
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
