import { ForwardUrlError, parseForwardUrl, splitForwardUrls } from './forward-url';
import type { OutputPolicy, RecordFormat } from './output-policy';

/** The headers of an accepted start that say what is done with the stream. */
export const OUTPUT_HEADERS = ['forward', 'record', 'hls'] as const;

/** Most targets of one stream. */
export const MAX_FORWARDS = 16;

/**
 * Reads the policy from the headers of an accepted start; undefined where they say nothing of outputs. A header that
 * cannot be used is left out and reported through `warn`, never with its value: addresses contain keys. Of targets only
 * those that cannot be used are left out, and those of the settings are not taken in their place.
 */
export function readOutputPolicy(
  headers: ReadonlyMap<string, string>,
  warn: (message: string) => void,
): OutputPolicy | undefined {
  const forward = readForward(headers.get('forward'), warn);
  const record = readRecord(headers.get('record'), warn);
  const hls = readHls(headers.get('hls'), warn);
  if (forward === undefined && record === undefined && hls === undefined) return undefined;
  return {
    ...(forward !== undefined && { forward }),
    ...(record !== undefined && { record }),
    ...(hls !== undefined && { hls }),
  };
}

function readForward(text: string | undefined, warn: (message: string) => void): readonly string[] | undefined {
  if (text === undefined) return undefined;
  if (text.trim().toLowerCase() === 'none') return [];
  const urls = [...new Set(splitForwardUrls(text))];
  if (urls.length > MAX_FORWARDS)
    warn(`Callback header forward: only ${MAX_FORWARDS} of ${urls.length} targets are used`);
  return urls.slice(0, MAX_FORWARDS).filter((url, at) => {
    try {
      parseForwardUrl(url);
      return true;
    } catch (error) {
      if (!(error instanceof ForwardUrlError)) throw error;
      warn(`Callback header forward: address ${at + 1} is ignored: it ${error.message}`);
      return false;
    }
  });
}

function readRecord(text: string | undefined, warn: (message: string) => void): OutputPolicy['record'] {
  if (text === undefined) return undefined;
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  const [only] = words;
  if (words.length === 1 && (only === 'yes' || only === 'no')) return only === 'yes' ? 'default' : [];
  const formats = words.filter((word): word is RecordFormat => word === 'flv' || word === 'mp4');
  if (formats.length === words.length) return [...new Set(formats)];
  warn('Callback header record is ignored: not YES, NO, flv, mp4 or flv,mp4');
  return undefined;
}

function readHls(text: string | undefined, warn: (message: string) => void): boolean | undefined {
  if (text === undefined) return undefined;
  const word = text.trim().toLowerCase();
  if (word === 'yes' || word === 'no') return word === 'yes';
  warn('Callback header hls is ignored: not YES or NO');
  return undefined;
}
