import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { ownAddress } from './addresses/own-address';
import { isEveryInterface } from './config/listening-places';
import type { HlsConfig } from './config/output-settings';
import type { ServiceConfig } from './config/service-config';
import type { RunningService } from './node/node';
import { NameGrammar } from './protocol/name-grammar';

const LOOPBACK = '127.0.0.1';
const DEFAULT_PORTS = { rtmp: 1935, rtmps: 443 };

type Banner = Pick<ServiceConfig, 'rtmp' | 'tls' | 'http' | 'callback' | 'proxy' | 'limits' | 'outputs'>;

/** What a streamer needs to publish with these settings, in the terms of OBS and ffmpeg. */
export function banner(config: Banner, { rtmp, rtmps, http }: RunningService['ports']): string {
  const { bindAddress, names } = config.rtmp;
  const channel = 'live'.slice(0, names.maxLength);
  const key = config.callback === undefined ? 'demo'.slice(0, names.maxLength) : 'KEY';
  const url = (scheme: 'rtmp' | 'rtmps', host: string, port: number): string =>
    `${scheme}://${host}${port === DEFAULT_PORTS[scheme] ? '' : `:${port}`}/${channel}`;
  const local = `${url('rtmp', localHost(bindAddress), rtmp)}/${key}`;
  const lines = [
    '',
    '  Ready. Publish to this node:',
    '',
    `    Server      ${url('rtmp', publicHost(bindAddress), rtmp)}`,
  ];
  if (config.tls && rtmps !== undefined) {
    const host = certifiedHost(config.tls.cert) ?? publicHost(config.tls.bindAddress);
    lines.push(`    or (TLS)    ${url('rtmps', host, rtmps)}`);
  }
  lines.push(`    Stream Key  ${key}`, '', '  In OBS: Settings > Stream > Service "Custom...".');
  if (config.callback === undefined) {
    lines.push(`  Any channel and key will do: ${new NameGrammar(names).description}.`);
  } else {
    lines.push('  Replace KEY: the handler at CALLBACK_URL decides which keys may publish on which channel.');
  }
  if (config.proxy) lines.push('  PROXY_PROTOCOL is on: clients need the address of your load balancer instead.');
  lines.push(
    '',
    '  Publish a test pattern:',
    '    ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine -c:v libx264 -preset veryfast ' +
      `-pix_fmt yuv420p -g 60 -c:a aac -f flv ${local}`,
    '',
    config.limits.playWhitelist.isEmpty ? '  Play it:' : '  Play it, from an address of RTMP_PLAY_WHITELIST:',
    `    ffplay ${local}`,
    '',
  );
  lines.push(...outputs(config));
  if (config.http && http !== undefined) {
    const root = `http://${localHost(config.http.bindAddress)}:${http}`;
    lines.push(
      `  Console  ${root}/`,
      `  API      ${root}/api/v1/streams`,
      `  Metrics  ${root}/metrics`,
      `  As FLV   ${root}/live/${channel}/${key}.flv`,
      ...(isWatchedHere(config) ? [`  Watch    ${root}/watch/${channel}?key=${key}`] : []),
      '',
    );
  }
  lines.push('  Ctrl-C ends it.', '');
  return lines.join('\n');
}

/** What is done with streams in addition to playing them. Targets of forwards are secrets. */
function outputs({ outputs: { run, forward, record, hls } }: Pick<Banner, 'outputs'>): string[] {
  if (run === 'none') return [];
  const { urls } = forward;
  const lines = [
    ...(urls.length === 0
      ? []
      : [`  Streams are forwarded to ${urls.length === 1 ? 'one target' : `${urls.length} targets`}.`]),
    ...(record.place === undefined ? [] : [`  Recordings: ${placeName(record.place)}`]),
    ...(hls.place === undefined || hls.place.kind === 'memory' ? [] : [`  HLS: ${placeName(hls.place)}`]),
  ];
  return lines.length === 0 ? [] : [...lines, ''];
}

/** Whether browsers watch streams at this node. */
function isWatchedHere({ outputs: { run, hls } }: Pick<Banner, 'outputs'>): boolean {
  return run !== 'none' && hls.place !== undefined && hls.place.kind !== 's3';
}

function placeName(place: NonNullable<HlsConfig['place']>): string {
  if (place.kind === 's3') return `s3://${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}`;
  return place.kind === 'memory' ? 'memory' : resolve(place.path);
}

/** The name or address at which other machines reach a listener. */
function publicHost(bindAddress: string | undefined): string {
  return isEveryInterface(bindAddress) ? ownAddress() : inUrl(bindAddress!);
}

/** The address at which this machine reaches a listener. */
function localHost(bindAddress: string | undefined): string {
  return isEveryInterface(bindAddress) ? LOOPBACK : inUrl(bindAddress!);
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** The first host name in the certificate: encoders that check certificates accept no other name. */
function certifiedHost(cert: unknown): string | undefined {
  if (typeof cert !== 'string') return undefined;
  try {
    const { subjectAltName = '' } = new X509Certificate(readFileSync(cert));
    return /(?:^|, )DNS:([^*,"]+)/.exec(subjectAltName)?.[1];
  } catch {
    return undefined;
  }
}
