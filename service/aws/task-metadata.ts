import { isIPv4 } from 'node:net';
import type { Logger } from '../logging/logger';
import { askAgent, fieldsOf } from './agent-request';

/** What an ECS task knows about itself. */
export interface TaskIdentity {
  /** Its private IPv4 address; empty when the metadata has none. */
  readonly address: string;
  readonly taskArn: string;
  /** ARN or name, as the endpoint gives it. */
  readonly cluster: string;
  /** The task definition, `family:revision`. */
  readonly definition: string;
}

const ATTEMPTS = 3;
const TIMEOUT_MS = 2_000;
const RETRY_MS = 250;
/** A task of ten containers takes some 20 KB. */
const MAX_BYTES = 256 * 1024;

/**
 * Asks the task metadata endpoint (version 4) of ECS; `base` is ECS_CONTAINER_METADATA_URI_V4. Resolves within seven
 * seconds; to undefined when there is no answer, since a node works without the metadata.
 */
export async function readTaskMetadata(base: URL, log: Logger): Promise<TaskIdentity | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return identityOf(await fetchTask(new URL(`${base.href.replace(/\/$/, '')}/task`)));
    } catch (error) {
      if (attempt === ATTEMPTS) {
        log.warning('the ECS task metadata cannot be read', { reason: String(error) });
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt * (0.5 + Math.random() / 2)));
    }
  }
}

async function fetchTask(url: URL): Promise<unknown> {
  const { status, text } = await askAgent(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
  if (status !== 200) throw new Error(`status ${status}`);
  return JSON.parse(text);
}

function identityOf(answer: unknown): TaskIdentity {
  const task = fieldsOf(answer);
  const family = text(task['Family']);
  return {
    address: list(task['Containers']).flatMap(addressesOf)[0] ?? '',
    taskArn: text(task['TaskARN']),
    cluster: text(task['Cluster']),
    definition: family === '' ? '' : `${family}:${text(task['Revision'])}`,
  };
}

/** Containers of a Fargate task share one network interface, so the first address is the task's. */
function addressesOf(container: unknown): string[] {
  return list(fieldsOf(container)['Networks'])
    .flatMap((network) => list(fieldsOf(network)['IPv4Addresses']))
    .map(text)
    .filter(isIPv4);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
