import { askAgent, fieldsOf } from './agent-request';
import { PROTECTION_MINUTES } from './protection-plan';

/** ECS refused the change; `code` is ECS's, such as DEPLOYMENT_BLOCKED or ThrottlingException. */
export class ProtectionRefused extends Error {
  override readonly name = 'ProtectionRefused';

  constructor(
    readonly code: string,
    detail: string,
  ) {
    super(detail === '' ? code : `${code}: ${detail}`);
  }
}

/** Sets the task's scale-in protection and resolves to when it expires (ms since the epoch), if it is on. */
export type SetProtection = (enabled: boolean) => Promise<number | undefined>;

const TIMEOUT_MS = 4_000;
const MAX_BYTES = 64 * 1024;

/**
 * The task-protection endpoint of the ECS agent, which asks ECS under the task's role; `base` is ECS_AGENT_URI. Settles
 * within four seconds; rejects with ProtectionRefused, or with the reason why there was no answer.
 */
export function protectionEndpoint(base: URL): SetProtection {
  const url = new URL(`${base.href.replace(/\/$/, '')}/task-protection/v1/state`);
  return async (enabled) => {
    const wish = { ProtectionEnabled: enabled, ...(enabled && { ExpiresInMinutes: PROTECTION_MINUTES }) };
    // A refusal is in the body, at any status.
    const { text } = await askAgent(url, { json: JSON.stringify(wish), timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES });
    const { protection, failure, error } = fieldsOf(JSON.parse(text));
    if (failure !== undefined) throw refusal(fieldsOf(failure)['Reason'], fieldsOf(failure)['Detail']);
    if (error !== undefined) throw refusal(fieldsOf(error)['Code'], fieldsOf(error)['Message']);
    const { ProtectionEnabled: isOn, ExpirationDate: end } = fieldsOf(protection);
    if (isOn !== enabled) throw refusal('UnexpectedAnswer', 'the protection is not as it was asked for');
    const endMs = typeof end === 'string' ? Date.parse(end) : Number.NaN;
    if (!enabled) return undefined;
    return Number.isNaN(endMs) ? Date.now() + PROTECTION_MINUTES * 60_000 : endMs;
  };
}

function refusal(code: unknown, detail: unknown): ProtectionRefused {
  return new ProtectionRefused(typeof code === 'string' ? code : 'Unknown', typeof detail === 'string' ? detail : '');
}
