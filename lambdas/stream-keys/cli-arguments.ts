import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isNativeError } from 'node:util/types';
import { splitForwardUrls } from '../../service/outputs/policy/forward-url';
import { generateStreamKey } from '../shared/stream-key-hash';

/** In a separate file, so that `--help` needs no package: see run.mjs. */
export const USAGE = readFileSync(join(__dirname, 'usage.txt'), 'utf8').trimEnd();

/** An invalid command line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CliArguments {
  /** Still to be checked by parseKeysRequest. */
  readonly request: Record<string, unknown>;
  readonly json: boolean;
  /** What standard input contains. */
  readonly stdin: 'key' | 'forward' | undefined;
}

const OPTIONS = {
  'when-busy': { type: 'string' },
  'allow-cidr': { type: 'string', multiple: true },
  'not-before': { type: 'string' },
  'not-after': { type: 'string' },
  'play-key': { type: 'string' },
  'generate-play-key': { type: 'boolean' },
  'max-duration-seconds': { type: 'string' },
  'max-bitrate-kbps': { type: 'string' },
  forward: { type: 'string', multiple: true },
  'forward-stdin': { type: 'boolean' },
  record: { type: 'string' },
  hls: { type: 'string' },
  'overlap-seconds': { type: 'string' },
  clear: { type: 'string', multiple: true },
  disabled: { type: 'boolean' },
  'key-stdin': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(isNativeError(error) ? error.message : 'bad arguments');
  }
}

const TARGET = /^rtmps?:\/\//i;

/** The targets in texts with several addresses each; `none` is an empty list. */
export function targetsOf(texts: readonly string[]): readonly string[] {
  const urls = texts.flatMap(splitForwardUrls);
  return urls.length === 1 && urls[0] === 'none' ? [] : urls;
}

function yesOrNo(option: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new UsageError(`--${option} must be yes or no, not "${text}"`);
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,12}$/.test(text)) throw new UsageError(`--${option} must be a whole number, not "${text}"`);
  return Number(text);
}

function epochSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) throw new UsageError(`--${option} must be a date such as 2027-01-31T18:00Z, not "${text}"`);
  return Math.floor(timeMs / 1000);
}

/** Removes the fields that were not given. */
function given(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** @throws UsageError when an option is unknown or has no usable value. */
export function parseCliArguments(argv: readonly string[]): CliArguments | 'help' {
  const { values, positionals } = parse(argv);
  const [command, channel, ...others] = positionals;
  // `--forward URL URL`: of an option, parseArgs takes one value.
  const isMore = (text: string): boolean => values.forward !== undefined && TARGET.test(text);
  const rest = others.filter((text) => !isMore(text));
  if (values.help === true || command === 'help') return 'help';
  if (command === undefined) throw new UsageError('a command is missing');
  if (values['key-stdin'] === true && values['forward-stdin'] === true) {
    throw new UsageError('only one of --key-stdin and --forward-stdin can read from standard input');
  }
  if (rest.length > 0) throw new UsageError(`unexpected "${rest.join(' ')}"`);
  const policy = given({
    whenBusy: values['when-busy'],
    allowedCidrs: values['allow-cidr'],
    notBefore: epochSeconds('not-before', values['not-before']),
    notAfter: epochSeconds('not-after', values['not-after']),
    playKey: values['generate-play-key'] === true ? generateStreamKey() : values['play-key'],
    maxDurationSeconds: wholeNumber('max-duration-seconds', values['max-duration-seconds']),
    maxBitrateKbps: wholeNumber('max-bitrate-kbps', values['max-bitrate-kbps']),
    forward: values.forward && targetsOf([...values.forward, ...others.filter(isMore)]),
    record: values.record,
    hls: yesOrNo('hls', values.hls),
  });
  return {
    request: given({
      command,
      channel,
      policy: Object.keys(policy).length > 0 ? policy : undefined,
      overlapSeconds: wholeNumber('overlap-seconds', values['overlap-seconds']),
      clear: values.clear,
      enabled: values.disabled === true ? false : undefined,
    }),
    json: values.json ?? false,
    stdin: values['key-stdin'] === true ? 'key' : values['forward-stdin'] === true ? 'forward' : undefined,
  };
}
