import { request } from 'node:http';
import { PROTECTION_MINUTES } from './protection-plan';

/** ECS did not do what was asked; the code is its own, such as DEPLOYMENT_BLOCKED or ThrottlingException. */
export class ProtectionRefused extends Error {
  override readonly name = 'ProtectionRefused';

  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail === '' ? code : `${code}: ${detail}`);
  }
}

/** Sets the task's scale-in protection and resolves to when it ends by itself (ms since the epoch), if it is on. */
export type SetProtection = (enabled: boolean) => Promise<number | undefined>;

const TIMEOUT_MS = 4_000;
const MAX_BYTES = 64 * 1024;

/**
 * The task-protection endpoint of the ECS agent, which asks ECS under the task's role; `base` is ECS_AGENT_URI.
 * What it resolves to or rejects with comes within four seconds: ProtectionRefused, or why there was no answer.
 */
export function protectionEndpoint(base: URL): SetProtection {
  const url = new URL(`${base.href.replace(/\/$/, '')}/task-protection/v1/state`);
  return async (enabled) => {
    const wish = { ProtectionEnabled: enabled, ...(enabled && { ExpiresInMinutes: PROTECTION_MINUTES }) };
    const answer = fieldsOf(JSON.parse(await put(url, JSON.stringify(wish))));
    const { protection, failure, error } = answer;
    if (failure !== undefined) throw refusal(fieldsOf(failure)['Reason'], fieldsOf(failure)['Detail']);
    if (error !== undefined) throw refusal(fieldsOf(error)['Code'], fieldsOf(error)['Message']);
    const { ProtectionEnabled: isOn, ExpirationDate: end } = fieldsOf(protection);
    if (isOn !== enabled) throw refusal('UnexpectedAnswer', 'the protection is not as it was asked for');
    const endMs = typeof end === 'string' ? Date.parse(end) : Number.NaN;
    if (!enabled) return undefined;
    return Number.isNaN(endMs) ? Date.now() + PROTECTION_MINUTES * 60_000 : endMs;
  };
}

/** The body of the answer, whatever its status: refusals are told in the body too. */
function put(url: URL, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method: 'PUT', headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const sent = request(url, options, (response) => {
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
    sent.on('error', reject);
    sent.end(body);
  });
}

function refusal(code: unknown, detail: unknown): ProtectionRefused {
  return new ProtectionRefused(typeof code === 'string' ? code : 'Unknown', typeof detail === 'string' ? detail : '');
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
