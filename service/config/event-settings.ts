import type { Environment } from './environment';

/** Where events are sent, in addition to the API that serves them. */
export interface EventsConfig {
  readonly webhook: WebhookConfig | undefined;
  /** Name or ARN of a (classic) bus of AWS EventBridge. */
  readonly busName: string | undefined;
}

export interface WebhookConfig {
  readonly url: URL;
  /** Keys of the signatures in base64, one or, while the receiver changes from one to the other, two. */
  readonly keys: readonly string[];
}

/** Standard Webhooks, "Signature scheme": keys of 24 to 64 bytes. */
const KEY_BYTES = { min: 24, max: 64 };
const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;
const BUS_NAME = /^(?:arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[/.\-_A-Za-z0-9]{1,256}$/;

export function readEventSettings(env: Environment): EventsConfig {
  const address = env.text('EVENTS_WEBHOOK_URL');
  const secrets = env.text('EVENTS_WEBHOOK_SECRET');
  const busName = env.text('EVENTS_BUS_NAME');
  if (busName !== undefined && !BUS_NAME.test(busName)) {
    env.fault('EVENTS_BUS_NAME', 'the name or the ARN of a bus of EventBridge, such as default');
  }
  const keys = secrets === undefined ? [] : readKeys(env, secrets);
  if (address === undefined) {
    if (secrets !== undefined) env.warn('EVENTS_WEBHOOK_SECRET is not used: there is no EVENTS_WEBHOOK_URL');
    return { webhook: undefined, busName };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    env.fault('EVENTS_WEBHOOK_URL', 'an http:// or https:// URL');
    return { webhook: undefined, busName };
  }
  if (url.username !== '' || url.password !== '') {
    env.fault(
      'EVENTS_WEBHOOK_URL',
      'a URL without user name and password',
      'the receiver checks the signature instead',
    );
  }
  if (secrets === undefined) {
    env.fault('EVENTS_WEBHOOK_SECRET', 'a secret shared with the receiver; EVENTS_WEBHOOK_URL needs one');
  }
  return { webhook: { url, keys }, busName };
}

function readKeys(env: Environment, secrets: string): readonly string[] {
  const keys = secrets
    .split(' ')
    .filter((secret) => secret !== '')
    .map((secret) => SECRET.exec(secret)?.[1] ?? '');
  const sizes = keys.map((key) => Buffer.from(key, 'base64').length);
  const isUsable = sizes.every((bytes) => bytes >= KEY_BYTES.min && bytes <= KEY_BYTES.max);
  if (!isUsable || keys.length < 1 || keys.length > 2) {
    env.fault(
      'EVENTS_WEBHOOK_SECRET',
      'whsec_ and 24 to 64 bytes in base64; two of them, separated by a space, to rotate',
    );
  }
  return keys;
}
