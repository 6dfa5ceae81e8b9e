import { describe, expect, test } from '@jest/globals';
import { PassThrough, Writable } from 'node:stream';
import { createLogger } from '../../../service/logging/create-logger';
import { jsonLogger } from '../../../service/logging/json-logger';
import { textLogger } from '../../../service/logging/text-logger';

/** Local time on purpose: text lines carry the time of the machine they are read on. */
const now = () => new Date(2006, 0, 2, 15, 4, 5, 678);
const levels = { error: true, warning: true, info: true, request: true, debug: true };
const everything = { levels, now };

function recorder(): { stream: Writable; text: () => string } {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}

describe('text lines', () => {
  test('each level has the form that log readers know', () => {
    const { stream, text } = recorder();
    const log = textLogger({ ...everything, stream });
    const session = log.child({ session: 17, ip: '10.0.0.7' });
    log.error('cannot listen', { port: 1935 });
    log.warning('careful');
    log.info('listening');
    session.request('PUBLISH', { channel: 'news', resumed: false, reason: undefined });
    session.debug('details');
    expect(text()).toBe(
      [
        '[2006-01-02 15:04:05] [ERROR] cannot listen port=1935',
        '[2006-01-02 15:04:05] [WARNING] careful',
        '[2006-01-02 15:04:05] [INFO] listening',
        '[2006-01-02 15:04:05] [REQUEST] #17 (10.0.0.7) PUBLISH channel=news resumed=false',
        '[2006-01-02 15:04:05] [DEBUG] #17 (10.0.0.7) details',
        '',
      ].join('\n'),
    );
  });

  test('a client can forge neither a line nor a field', () => {
    const { stream, text } = recorder();
    const log = textLogger({ ...everything, stream });
    const app = 'x\n[2006-01-02 15:04:05] [ERROR] forged';
    log.child({ session: app, ip: app }).request(`refused ${app}`, { app, tool: 'OBS" port=1' });
    expect(text().match(/\n/g)).toHaveLength(1);
    expect(text()).toContain('tool="OBS\\" port=1"');
  });

  test('a key or secret that a caller forgot to mask is masked, in children too', () => {
    const { stream, text } = recorder();
    const log = textLogger({ ...everything, stream });
    log.child({ key: 'live_very_secret' }).info('one', { token: 'eyJhbGciOi.x.y', password: 'sesame' });
    expect(text()).toContain('key=li*** token=*** password=***');
  });
});

describe('JSON lines', () => {
  test('one object a line: time, level, message and the fields of logger and call', () => {
    const { stream, text } = recorder();
    jsonLogger({ ...everything, stream })
      .child({ session: 17, ip: '::1' })
      .request('PUBLISH', { channel: 'news', bytes: 5, level: 'mine', gone: undefined });
    expect(text().endsWith('\n')).toBe(true);
    expect(JSON.parse(text())).toEqual({
      time: now().toISOString(),
      level: 'request',
      message: 'PUBLISH',
      session: 17,
      ip: '::1',
      channel: 'news',
      bytes: 5,
      level_: 'mine',
    });
  });

  test('hostile text stays inside its line and survives the way back', () => {
    const { stream, text } = recorder();
    const app = 'a\n{"level":"error"}\u2028\u001b[2J\u202e"\\';
    jsonLogger({ ...everything, stream }).warning(app, { app });
    expect(text().match(/[\n\u2028\u001b\u202e]/g)).toEqual(['\n']);
    expect(JSON.parse(text())).toMatchObject({ message: app, app });
  });
});

describe.each(['text', 'json'] as const)('%s logger', (format) => {
  const names = ['error', 'warning', 'info', 'request', 'debug'] as const;
  test.each(names)('lines of the level %s can be kept out, children included; the others are written', (off) => {
    const { stream, text } = recorder();
    const log = createLogger({ format, levels: { ...levels, [off]: false }, stream }).child({ session: 1 });
    for (const level of names) log[level](`a line of ${level}`);
    expect([...text().matchAll(/a line of (\w+)/g)].map(([, level]) => level)).toEqual(
      names.filter((level) => level !== off),
    );
  });

  test('a log reader that goes away does not end the process', () => {
    const stream = new PassThrough();
    const log = createLogger({ format, levels, stream });
    stream.destroy(new Error('EPIPE'));
    expect(() => log.error('still here')).not.toThrow();
  });

  test('a log reader that stops reading costs lines, not memory, and is told so later', async () => {
    const stream = new PassThrough({ highWaterMark: 16 });
    const log = createLogger({ format, levels, stream });
    const line = 'x'.repeat(1000);
    for (let count = 0; count < 3000; count += 1) log.info(line);
    expect(stream.writableLength).toBeLessThan(1_100_000);
    while (stream.read() !== null) await new Promise(setImmediate);
    log.info('after');
    const rest = String(stream.read());
    expect(rest).toMatch(/lines are missing.*dropped\W+\d+/);
    expect(rest).toContain('after');
  });
});
