import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressRules } from '../addresses/address-rules';
import { messageOf } from '../errors/error-text';
import { parseForwardUrl, splitForwardUrls } from '../outputs/policy/forward-url';
import type { OutputStreams } from '../outputs/policy/output-plan';
import type { RecordFormat } from '../outputs/policy/output-policy';
import type { Environment } from './environment';
import { readStoredSecret, type StoredSecret } from './stored-secret';

/** What is done with the streams of a node in addition to playing them. Read by the node and by `rtmp-outputs`. */
export interface OutputsConfig {
  /** Where `rtmp-outputs` runs: as a child of the node, in a container of its own beside it, or not at all. */
  readonly run: 'child' | 'sidecar' | 'none';
  readonly link: OutputsLinkConfig;
  readonly forward: ForwardConfig;
  readonly record: RecordConfig;
  readonly hls: HlsConfig;
}

/** How node and program talk to each other, on the loopback interface. */
export interface OutputsLinkConfig {
  /** Where the node listens; 0, with a child: any free port. */
  readonly port: number;
  /** With which a sidecar proves itself; undefined: a child gets a random one. */
  readonly token: string | StoredSecret | undefined;
}

export interface ForwardConfig {
  /** Targets of every stream whose policy names none. Secrets. */
  readonly urls: readonly string[];
  /** Private and local addresses that targets may have; others of these ranges are refused. */
  readonly allow: AddressRules;
}

export interface DirectoryPlace {
  readonly kind: 'directory';
  readonly path: string;
}
/** `prefix` has neither a slash at its beginning nor one at its end; empty: the bucket itself. */
export interface S3Place {
  readonly kind: 's3';
  readonly bucket: string;
  readonly prefix: string;
}
export interface MemoryPlace {
  readonly kind: 'memory';
}

export interface RecordConfig {
  /** undefined: nothing is recorded, whatever a policy says. */
  readonly place: DirectoryPlace | S3Place | undefined;
  /** Of streams whose policy does not name formats. */
  readonly formats: readonly RecordFormat[];
  readonly streams: OutputStreams;
  /** A part of a recording is at most about this long (ms); 0: as long as the stream. */
  readonly partMs: number;
  /** A part of a recording is at most about this large (bytes); 0: as large as the stream. */
  readonly partBytes: number;
  /** Where recordings for S3 wait on disk. */
  readonly spoolDir: string;
  /** How much of them may wait there (bytes). */
  readonly spoolBytes: number;
}

export interface HlsConfig {
  /** undefined: nothing is packaged, whatever a policy says. */
  readonly place: MemoryPlace | DirectoryPlace | S3Place | undefined;
  readonly streams: OutputStreams;
  /** Segments end at the first keyframe from this length on (ms). */
  readonly segmentMs: number;
  readonly lowLatency: boolean;
}

const SIDECAR_PORT = 7935;
/** Whoever has it learns of all streams and plays them: too long to be guessed, and fit for a header. */
const TOKEN = /^[\x21-\x7e]{16,1024}$/;
const BUCKET = /^(?!xn--)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const BYTES_PER_MB = 1024 * 1024;
const STREAMS = ['all', 'asked'] as const;

export function readOutputSettings(env: Environment): OutputsConfig {
  const forward = { urls: readForwardUrls(env), allow: env.addresses('FORWARD_ALLOW') };
  const record = readRecordSettings(env);
  const hls = readHlsSettings(env);
  const used = [
    ...(forward.urls.length > 0 ? ['FORWARD_URLS'] : []),
    ...(record.place === undefined ? [] : ['RECORD_TO']),
    ...(hls.place === undefined ? [] : ['HLS_TO']),
  ];
  const run = readRun(env, used);
  return { run, link: readLinkSettings(env, run), forward, record, hls };
}

function readRun(env: Environment, used: readonly string[]): OutputsConfig['run'] {
  if (env.text('OUTPUTS')?.trim().toUpperCase() === 'SIDECAR') return 'sidecar';
  const isOn = env.flag('OUTPUTS', used.length > 0, 'YES, NO or SIDECAR');
  if (!isOn && used.length > 0) env.warn(`${used.join(', ')} not used: OUTPUTS is NO`);
  return isOn ? 'child' : 'none';
}

function readLinkSettings(env: Environment, run: OutputsConfig['run']): OutputsLinkConfig {
  const isSidecar = run === 'sidecar';
  const port = env.integer('OUTPUTS_PORT', {
    ...{ min: isSidecar ? 1 : 0, max: 65_535, fallback: isSidecar ? SIDECAR_PORT : 0 },
  });
  const stored = readStoredSecret(env, 'OUTPUTS_TOKEN', 'token');
  const token = env.text('OUTPUTS_TOKEN');
  if (!isSidecar) {
    if (stored !== undefined || token !== undefined) env.warn('OUTPUTS_TOKEN is not used: OUTPUTS is not SIDECAR');
    return { port, token: undefined };
  }
  if (token === undefined && stored === undefined) {
    env.fault(
      'OUTPUTS_TOKEN',
      'a secret of 16 characters or more; OUTPUTS=SIDECAR needs it, the same in both containers',
    );
  } else if (token !== undefined && !TOKEN.test(token)) {
    env.fault('OUTPUTS_TOKEN', '16 to 1024 characters without spaces, such as the output of "openssl rand -hex 24"');
  }
  return { port, token: stored ?? token };
}

function readForwardUrls(env: Environment): readonly string[] {
  const urls = splitForwardUrls(env.text('FORWARD_URLS') ?? '');
  for (const [index, url] of urls.entries()) {
    try {
      parseForwardUrl(url);
    } catch (error) {
      const fault = `address ${index + 1} ${messageOf(error)}`;
      env.fault('FORWARD_URLS', `rtmp:// or rtmps:// addresses, separated by spaces or commas; ${fault}`);
      return [];
    }
  }
  return urls;
}

function readRecordSettings(env: Environment): RecordConfig {
  const place = readPlace(env, 'RECORD_TO');
  if (place?.kind === 'memory') env.fault('RECORD_TO', 'a directory, or s3://BUCKET/PREFIX');
  return {
    place: place?.kind === 'memory' ? undefined : place,
    formats: readFormats(env),
    streams: env.choice('RECORD_STREAMS', STREAMS, 'all'),
    partMs: env.integer('RECORD_PART_SECONDS', { min: 0, max: 86_400, fallback: 0 }) * 1000,
    partBytes: env.integer('RECORD_PART_MB', { min: 0, max: 1_048_576, fallback: 0 }) * BYTES_PER_MB,
    spoolDir: env.text('RECORD_SPOOL_DIR') ?? join(tmpdir(), 'rtmp-outputs'),
    spoolBytes: env.integer('RECORD_SPOOL_MB', { min: 0, max: 1_048_576, fallback: 1024 }) * BYTES_PER_MB,
  };
}

function readFormats(env: Environment): readonly RecordFormat[] {
  const formats = (env.text('RECORD_FORMAT') ?? 'flv').split(',').map((format) => format.trim());
  const known = formats.filter((format): format is RecordFormat => format === 'flv' || format === 'mp4');
  if (known.length === formats.length) return [...new Set(known)];
  env.fault('RECORD_FORMAT', 'flv, mp4, or both, separated by a comma');
  return [];
}

function readHlsSettings(env: Environment): HlsConfig {
  const place = readPlace(env, 'HLS_TO');
  const lowLatency = env.flag('HLS_LOW_LATENCY', false);
  if (lowLatency && place?.kind === 's3') env.warn('HLS_LOW_LATENCY is not used: HLS_TO is a bucket');
  return {
    place,
    streams: env.choice('HLS_STREAMS', STREAMS, 'all'),
    segmentMs: env.integer('HLS_SEGMENT_SECONDS', { min: 1, max: 30, fallback: 2 }) * 1000,
    lowLatency: lowLatency && place?.kind !== 's3',
  };
}

function readPlace(env: Environment, name: string): HlsConfig['place'] {
  const text = env.text(name)?.trim();
  if (text === undefined) return undefined;
  if (text.toLowerCase() === 'memory') return { kind: 'memory' };
  // `s3:/bucket` is no directory: what was meant for S3 would end on the local disk.
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text)) return { kind: 'directory', path: text };
  const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(text) ?? [];
  if (BUCKET.test(bucket)) return { kind: 's3', bucket, prefix: prefix.replace(/^\/+|\/+$/g, '') };
  env.fault(name, 'a directory, or s3://BUCKET/PREFIX');
  return undefined;
}
