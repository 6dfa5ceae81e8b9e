import { createHmac } from 'node:crypto';
import type { WebhookConfig } from '../../config/event-settings';
import type { Event } from '../../http/api/schemas/event';
import type { Sending } from './event-outbox';

export interface WebhookOptions extends WebhookConfig {
  /** Of one request (ms). */
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

/** Standard Webhooks advises 15 to 30 s. */
const TIMEOUT_MS = 15_000;
const GONE = 410;
const LONGEST_PAUSE_SECONDS = 3600;

/**
 * POSTs an event to a webhook by the rules of Standard Webhooks
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): any 2xx is success, 410
 * means that the receiver wants no more events, and everything else is retried: a receiver that answers 404 or 401 may be
 * in the middle of a deploy or of a change of secrets.
 */
export async function sendToWebhook({ url, keys, timeoutMs, now }: WebhookOptions, event: Event): Promise<Sending> {
  const { type, at, ...data } = event;
  const body = JSON.stringify({ type, timestamp: at, data });
  const timestamp = Math.floor((now?.() ?? Date.now()) / 1000);
  const response = await fetch(url, {
    method: 'POST',
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'rtmp-ingest',
      'webhook-id': event.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': keys.map((key) => signature(key, `${event.id}.${timestamp}.${body}`)).join(' '),
    },
  });
  // The answer's body has no meaning, and may be endless.
  await response.body?.cancel();
  const { status } = response;
  const reason = `status ${status}`;
  if (response.ok) return { result: 'sent' };
  if (status === GONE) return { result: 'gone', reason };
  return { result: 'retry', reason, afterMs: pauseOf(response) };
}

function signature(key: string, content: string): string {
  return `v1,${createHmac('sha256', Buffer.from(key, 'base64')).update(content).digest('base64')}`;
}

/** `Retry-After` in seconds, at most an hour; a date is not understood. */
function pauseOf({ headers }: Response): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, LONGEST_PAUSE_SECONDS) * 1000 : undefined;
}
