import { escapeForLog } from '../../logging/mask';
import type { ForwardTarget } from '../policy/forward-url';

/** Longer texts of a target are cut: they are for people. */
const MAX_CHARACTERS = 200;
/** Shorter parts of an address are no secrets, and would be found in every text. */
const SHORTEST_SECRET = 4;

/** What a target says, as it may be logged and shown: some targets repeat the stream key in their refusals. */
export function withoutSecrets(text: string, target: ForwardTarget): string {
  let safe = text;
  for (const secret of secretsOf(target)) safe = safe.replaceAll(secret, '***');
  return escapeForLog(safe.length > MAX_CHARACTERS ? `${safe.slice(0, MAX_CHARACTERS)}…` : safe);
}

/** The longest first, so that no part of a longer one is left. */
function secretsOf({ key, app, user, password }: ForwardTarget): string[] {
  const parts = [key, password, user];
  for (const text of [key, app]) {
    const query = text.indexOf('?');
    if (query < 0) continue;
    parts.push(
      text.slice(query + 1),
      ...text
        .slice(query + 1)
        .split('&')
        .map(valueOf),
    );
    if (text === key) parts.push(text.slice(0, query));
  }
  const secrets = parts.flatMap((part) => [part, encodeURIComponent(part)]);
  return [...new Set(secrets)].filter((part) => part.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
}

function valueOf(pair: string): string {
  return pair.slice(pair.indexOf('=') + 1);
}
