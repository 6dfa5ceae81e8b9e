import type { StreamGrant } from '../hub/publication';
import { readOutputPolicy } from '../outputs/policy/read-policy';
import type { NameGrammar } from '../protocol/name-grammar';

const POSITIVE_INTEGER = /^[1-9][0-9]{0,8}$/;

/** Longest id that a `close-stream` command can name, in characters. */
const MAX_STREAM_ID_LENGTH = 1024;

/**
 * Reads the grant from an accepted start's answer. `headers` has lower-case names. A header that cannot be used is left
 * out and reported through `warn`, never with its value: play keys and targets are secrets.
 */
export function readGrant(
  headers: ReadonlyMap<string, string>,
  names: NameGrammar,
  warn: (message: string) => void,
): StreamGrant {
  const streamId = headers.get('stream-id') ?? '';
  const playKey = headers.get('play-key');
  const maxDurationSeconds = readPositive(headers, 'max-duration-seconds', warn);
  const maxBitrateKbps = readPositive(headers, 'max-bitrate-kbps', warn);
  const outputs = readOutputPolicy(headers, warn);
  const streamIdFits = streamId.length <= MAX_STREAM_ID_LENGTH;
  const playKeyFits = playKey !== undefined && names.isName(playKey);
  if (!streamIdFits) {
    warn(`Callback header stream-id is ignored: longer than ${MAX_STREAM_ID_LENGTH} characters`);
  }
  if (playKey !== undefined && !playKeyFits) {
    warn(`Callback header play-key is ignored: not ${names.description}`);
  }
  return {
    streamId: streamIdFits ? streamId : '',
    ...(playKeyFits && { playKey }),
    ...(maxDurationSeconds !== undefined && { maxDurationSeconds }),
    ...(maxBitrateKbps !== undefined && { maxBitrateKbps }),
    ...(outputs !== undefined && { outputs }),
  };
}

function readPositive(
  headers: ReadonlyMap<string, string>,
  name: string,
  warn: (message: string) => void,
): number | undefined {
  const text = headers.get(name);
  if (text === undefined) {
    return undefined;
  }
  if (!POSITIVE_INTEGER.test(text)) {
    warn(`Callback header ${name} is ignored: not a whole number from 1 to 999999999`);
    return undefined;
  }
  return Number(text);
}
