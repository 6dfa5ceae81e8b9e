import { tmpdir } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../../service/config/config-error';
import { loadServiceConfig } from '../../../service/config/service-config';

const TOKEN = 'sixteen-characters-or-more';
const load = (values: Record<string, string>) => loadServiceConfig(values);
const outputs = (values: Record<string, string>) => load(values).config.outputs;

/** The message of the start that fails. */
function fault(values: Record<string, string>): string {
  try {
    load(values);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('settings of outputs', () => {
  test('without any, nothing runs', () => {
    const { run, record, hls, forward } = outputs({});
    expect([run, record.place, hls.place, forward.urls]).toEqual(['none', undefined, undefined, []]);
    expect(record.spoolDir.startsWith(tmpdir())).toBe(true);
  });

  test.each([
    [{ FORWARD_URLS: 'rtmp://a.example.com/live/key' }, 'child'],
    [{ RECORD_TO: '/recordings' }, 'child'],
    [{ HLS_TO: 'memory' }, 'child'],
    [{ OUTPUTS: 'yes' }, 'child'],
    [{ OUTPUTS: 'NO', HLS_TO: 'memory' }, 'none'],
    [{ OUTPUTS: 'Sidecar', OUTPUTS_TOKEN: TOKEN }, 'sidecar'],
  ])('%j: %s', (values, run) => {
    expect(outputs(values as Record<string, string>).run).toBe(run);
  });

  test('a sidecar has a port that both containers know', () => {
    expect(outputs({ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN }).link).toEqual({ port: 7935, token: TOKEN });
    expect(outputs({ OUTPUTS: 'YES' }).link).toEqual({ port: 0, token: undefined });
  });

  test('places are directories, buckets, and for HLS the memory', () => {
    const { record, hls } = outputs({ RECORD_TO: 's3://my.bucket/a/b/', HLS_TO: './hls' });
    expect(record.place).toEqual({ kind: 's3', bucket: 'my.bucket', prefix: 'a/b' });
    expect(hls.place).toEqual({ kind: 'directory', path: './hls' });
    expect(outputs({ RECORD_TO: 's3://bucket' }).record.place).toEqual({ kind: 's3', bucket: 'bucket', prefix: '' });
    expect(outputs({ HLS_TO: 'memory' }).hls.place).toEqual({ kind: 'memory' });
  });

  test('targets are separated by spaces or commas, and a comma in a query belongs to it', () => {
    const urls = ['rtmp://a.example.com/live/k?x=1,2', 'rtmps://b.example.com:443/live/instance/k#y', 'RTMP://c/d/e'];
    for (const text of [urls.join(' '), urls.join(','), urls.join(', '), ` ${urls.join('\n')} `]) {
      expect(outputs({ FORWARD_URLS: text }).forward.urls).toEqual(urls);
    }
  });

  test('targets are never shown, neither in a fault nor among the settings', () => {
    const faulty = fault({ FORWARD_URLS: 'http://a.example.com/secretkey' });
    expect(faulty).toContain('FORWARD_URLS');
    expect(faulty).not.toContain('secretkey');
    const { settings } = load({ FORWARD_URLS: 'rtmp://a.example.com/live/secretkey' });
    expect(settings.find(({ name }) => name === 'FORWARD_URLS')?.value).toBe('(hidden)');
    expect(JSON.stringify(settings)).not.toContain('secretkey');
  });

  test.each([
    [{ OUTPUTS: 'maybe' }, 'OUTPUTS '],
    [{ OUTPUTS: 'SIDECAR' }, 'OUTPUTS_TOKEN'],
    [{ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: 'short' }, 'OUTPUTS_TOKEN'],
    [{ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: '0' }, 'OUTPUTS_PORT'],
    [{ OUTPUTS: 'YES', OUTPUTS_PORT: '1935' }, '1935'],
    [{ FORWARD_URLS: 'rtmp://a.example.com' }, 'FORWARD_URLS'],
    [{ FORWARD_ALLOW: 'lan' }, 'FORWARD_ALLOW'],
    [{ RECORD_TO: 'memory' }, 'RECORD_TO'],
    [{ RECORD_TO: 's3://A_B/x' }, 'RECORD_TO'],
    [{ RECORD_TO: 's3:/bucket/x' }, 'RECORD_TO'],
    [{ HLS_TO: 'S3:bucket' }, 'HLS_TO'],
    [{ RECORD_TO: 'https://bucket' }, 'RECORD_TO'],
    [{ RECORD_FORMAT: 'mkv' }, 'RECORD_FORMAT'],
    [{ RECORD_STREAMS: 'some' }, 'RECORD_STREAMS'],
    [{ HLS_TO: 'gs://bucket' }, 'HLS_TO'],
  ])('%j is a fault', (values, name) => {
    expect(fault(values as Record<string, string>)).toContain(name);
  });

  test('settings without effect are warned of', () => {
    const warnings = (values: Record<string, string>): string => load(values).warnings.join('\n');
    expect(warnings({ OUTPUTS: 'NO', RECORD_TO: '/r' })).toContain('RECORD_TO not used');
    expect(warnings({ OUTPUTS: 'YES', OUTPUTS_TOKEN: TOKEN })).toContain('OUTPUTS_TOKEN is not used');
    expect(warnings({ HLS_TO: 's3://bucket', HLS_LOW_LATENCY: 'YES' })).toContain('HLS_LOW_LATENCY is not used');
  });
});
