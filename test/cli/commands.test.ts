import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '../support/servers/redis-server';
import { type ApiStandIn, history, news, nodes, problem, refused, startApiStandIn, TOKEN } from './api-stand-in';
import { cli, type CliRun, type CliRunOptions } from './cli-runner';

let api: ApiStandIn;
beforeEach(async () => {
  api = await startApiStandIn();
});
afterEach(() => api.stop());

function run(argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  return cli([...argv, '--node', api.url], { env: { OPERATOR_TOKEN: TOKEN }, ...options });
}

describe('streams', () => {
  test('is a table with every column where there is no terminal', async () => {
    const { code, out, err } = await run(['streams']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [head = '', row = ''] = out.split('\n');
    expect(head.split(/ {2,}/)).toEqual([
      'CHANNEL',
      'HEALTH',
      'BITRATE',
      'PLAYERS',
      'UP',
      'VIDEO',
      'KEYS',
      'NODE',
      'FROM',
      'ENCODER',
      'STREAM ID',
    ]);
    expect(row).toMatch(/^news +bad \(gopSizeLong\) +4\.1 Mbps +12 +1h 2m +H\.264 1280x720 29\.97 fps +8\.0 s +node-a/);
    expect(out).toContain('Node node-b does not answer: no answer within 3 s');
    expect(out).toContain('1 stream');
  });

  test('an encoder cannot reach the terminal with control characters', async () => {
    for (const columns of [undefined, 200]) {
      const { out } = await run(['streams', '--no-color'], columns === undefined ? {} : { columns });
      expect(out).toContain('OBS \\u001b[2J\\u202e');
      expect(out.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }
  });

  test.each([40, 60, 80, 120])('fits a terminal of %d columns', async (columns) => {
    const { out } = await run(['streams', '--no-color'], { columns });
    const [head = '', row = ''] = out.split('\n');
    for (const line of [head, row]) expect(line.length).toBeLessThanOrEqual(columns);
    expect(row).toMatch(/^news .*bad/);
  });

  test('filter, node, health, order and number are asked of the server', async () => {
    const options = ['--filter', 'ne ws', '--on', 'node-a', '--health', 'bad', '--sort', '-bitrate', '--limit', '5'];
    expect((await run(['streams', ...options])).code).toBe(0);
    expect(api.requests).toEqual([`GET /streams?q=ne+ws&node=node-a&health=bad&sort=-bitrate&limit=5 Bearer ${TOKEN}`]);
  });

  test('a state of health that does not exist is not understood, and nothing is asked', async () => {
    const { code, err } = await run(['streams', '--health', 'god']);
    expect({ code, err }).toEqual({ code: 2, err: '--health takes one of good, ok, bad, noData, not "god"\n' });
    expect(api.requests).toEqual([]);
  });

  test('a node that does not exist ends it with 4, a node without streams does not', async () => {
    api.answer('/streams', 200, { streams: [], total: 0, offset: 0, limit: 1000, at: news.since, unanswered: [] });
    const { code, err } = await run(['streams', '--on', 'nosuch']);
    expect({ code, err }).toEqual({ code: 4, err: 'there is no node "nosuch", only node-a, node-b\n' });
    expect((await run(['streams', '--on', 'node-a'])).code).toBe(0);
  });

  test('--json prints what the server said', async () => {
    const { code, out } = await run(['streams', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ total: 1, streams: [news] });
  });

  test('--watch shows it again until the user stops it, with --json one line each time', async () => {
    const stop = new AbortController();
    let lines = 0;
    const wrote = (): void => {
      lines += 1;
      if (lines === 2) stop.abort();
    };
    const { code, out } = await run(['streams', '--watch', '--json'], { signal: stop.signal, wrote });
    expect(code).toBe(0);
    const shown = out.trim().split('\n');
    expect(shown).toHaveLength(2);
    for (const line of shown) expect(JSON.parse(line)).toMatchObject({ total: 1 });
  });
});

test('stream shows figures, health in words, and the last events', async () => {
  const { code, out } = await run(['stream', 'news']);
  expect(code).toBe(0);
  expect(out).toMatch(/^stream id +id-7$/m);
  expect(out).toMatch(/^video +H\.264 1280x720 29\.97 fps, 3\.9 Mbps, a keyframe every 8 s$/m);
  expect(out).toMatch(/^bitrate +4\.1 Mbps {2}▃▅█$/m);
  expect(out).toMatch(/^health +bad$/m);
  expect(out).toMatch(/^ {2}Set the keyframe interval to 2 s\. \[gopSizeLong, since /m);
  expect(out).toMatch(/refused: wrong key, from 198\.51\.100\.9, 14 times in 5 minutes/);
});

test('explain says why a channel was refused, and what to do', async () => {
  const { code, out } = await run(['explain', 'sport']);
  expect(code).toBe(0);
  expect(out).toMatch(/^sport: refused\. Not live: wrong key, from 198\.51\.100\.9, 14 times in 5 minutes\.$/m);
  expect(out).toMatch(/what to do\n {2}Compare the stream key\./);
});

test('nodes shows load and state, and which node is silent', async () => {
  const { code, out } = await run(['nodes']);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^node-a +ready +40 of 40 slots, full +90 +42% +300 MB of 2\.0 GB +160\.0 Mbps +320\.0 Mbps +12 ms +yes +1\.0\.0/m,
  );
  expect(out).toMatch(/^node-b +silent: no answer within 3 s +- +-/m);
});

describe('orders', () => {
  test.each([
    [['end', 'news'], '/streams/news/end', '{}'],
    [['close', 'news', 'id-7'], '/streams/news/close', '{"streamId":"id-7"}'],
    [['block', 'news'], '/streams/news/block', '{"seconds":3600}'],
    [['block', 'news', '--for', '2h'], '/streams/news/block', '{"seconds":7200}'],
    [['unblock', 'news'], '/streams/news/unblock', '{}'],
    [['drain', 'node-a'], '/nodes/node-a/drain', '{}'],
  ])('%j', async (argv, path, body) => {
    const { code, out } = await run(argv);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^✓ ${argv[0]} ${argv[1]}: publisher disconnected$`, 'm'));
    expect(api.requests).toEqual([`POST ${path} Bearer ${TOKEN} ${body}`]);
  });

  test('without an effect it ends with 4', async () => {
    const { code, out } = await run(['end', 'silent']);
    expect(code).toBe(4);
    expect(out).toMatch(/^✗ end silent: No stream is live/);
  });

  test.each([
    [['block', 'news', '--for', 'long'], '--for takes'],
    [['block', 'news', '--for', '8d'], 'a week at most'],
    [['drain', 'node-a', '--wait', '--timeout', 'x'], '--timeout takes'],
  ])('%j is not understood, and nothing is ordered', async (argv, fault) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err).toContain(fault);
    expect(api.requests).toEqual([]);
  });
});

describe('outputs', () => {
  test('are a table, and part of the page of a stream', async () => {
    const { code, out, err } = await run(['outputs', 'news']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^OUTPUT +STATE +SENT +GAPS +BY +WHERE +DETAIL$/m);
    expect(out).toMatch(
      /^forward-1 +waiting +5 MB +3 +order +rtmp:\/\/live\.example\.com\/app +The target closed \\u001b\[2J$/m,
    );
    expect(out).toMatch(/^record-1 +recording +1\.9 GB +0 +policy +\/recordings\/news\.flv +1h 2m, 2 parts$/m);
    const page = (await run(['stream', 'news'])).out;
    expect(page).toMatch(/^ {2}forward-1 waiting: rtmp:\/\/live\.example\.com\/app, 5 MB, 3 gaps, The target closed/m);
    expect(page).toMatch(/^ {2}record-1 recording: \/recordings\/news\.flv, 1\.9 GB, 1h 2m, 2 parts$/m);
  });

  test('a stream without outputs says so', async () => {
    api.answer('/streams/news', 200, { ...news, history, playersByNode: [], events: [], unanswered: [] });
    expect((await run(['outputs', 'news'])).out).toBe('news is not forwarded, recorded or packaged.\n');
    expect(JSON.parse((await run(['outputs', 'news', '--json'])).out)).toEqual({ channel: 'news', outputs: [] });
  });

  const url = 'rtmp://host/app/s3cr3t';
  test.each<[readonly string[], string, string, string]>([
    [['forward', 'news', url], 'forward', '/forward', `{"url":"${url}"}`],
    [['record', 'news', 'start'], 'record', '/record', '{}'],
    [['record', 'news', 'start', '--format', 'flv,mp4'], 'record', '/record', '{"formats":["flv","mp4"]}'],
    [['record', 'news', 'stop'], 'stop-recording', '/stop-recording', '{}'],
    [['remove-output', 'news', 'record-1'], 'remove-output', '/remove-output', '{"output":"record-1"}'],
  ])('%j', async (argv, name, path, body) => {
    const { code, out, err } = await run(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`✓ ${name} news: `);
    expect(out).not.toContain('s3cr3t');
    expect(api.requests).toEqual([`POST /streams/news${path} Bearer ${TOKEN} ${body}`]);
  });

  test('the address of a target is read from standard input, so that no other program sees it', async () => {
    expect((await run(['forward', 'news', '-'], { input: `${url}\n` })).code).toBe(0);
    expect(api.requests).toEqual([`POST /streams/news/forward Bearer ${TOKEN} {"url":"${url}"}`]);
  });

  test.each([
    [['record', 'news', 'pause'], 'record takes start or stop after the channel'],
    [['record', 'news', 'start', '--format', 'mkv'], '--format takes flv, mp4 or flv,mp4'],
    [['record', 'news', 'stop', '--format', 'flv'], '--format is for start'],
    [['forward', 'news'], 'URL is missing'],
  ])('%j is not understood, and nothing is ordered', async (argv, fault) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err).toContain(fault);
    expect(api.requests).toEqual([]);
  });
});

describe('drain --wait', () => {
  test('waits until the node has left', async () => {
    const draining = { ...nodes[0], draining: true };
    api.answer('/nodes', 200, { nodes: [draining], answering: 'node-a', at: news.since, unanswered: [] });
    const running = run(['drain', 'node-a', '--wait']);
    while (!api.requests.some((request) => request.startsWith('GET /nodes'))) await new Promise(setImmediate);
    api.answer('/nodes', 200, { nodes: [], answering: 'node-b', at: news.since, unanswered: [] });
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out).toMatch(/^Node node-a has left after \d+s\.$/m);
  });

  test('ends with 6 when that takes too long, and says what is left', async () => {
    const { code, err } = await run(['drain', 'node-a', '--wait', '--timeout', '0s']);
    expect(code).toBe(6);
    expect(err).toMatch(/Node node-a is still there after .*: 40 streams and 90 players left/);
  });
});

describe('events', () => {
  test('are one line each, with --json one object each', async () => {
    const { code, out } = await run(['events']);
    expect(code).toBe(0);
    expect(out).toMatch(/sport {2}refused: wrong key, from 198\.51\.100\.9, 14 times in 5 minutes\n$/);
    const lines = (await run(['events', '--json'])).out.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([refused]);
  });

  test('--follow continues with new ones', async () => {
    const stop = new AbortController();
    const accepted = {
      ...refused,
      id: 'e2',
      type: 'publish.accepted',
      streamId: 'id-8',
      resumed: false,
      encoder: 'OBS',
    };
    const wrote = (text: string): void => {
      if (text.includes('publishes')) stop.abort();
    };
    const running = run(['events', '--follow', '--channel', 'sport'], { signal: stop.signal, wrote });
    await api.follower();
    api.send(`id: e2\nevent: publish.accepted\ndata: ${JSON.stringify(accepted)}\n\n`);
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out).toContain('sport  publishes, from 198.51.100.9 (OBS)');
    expect(api.requests[0]).toBe(`GET /events?channel=sport Bearer ${TOKEN}`);
  });
});

describe('exit codes', () => {
  test('3 where nobody answers, with what to try', async () => {
    const { code, err } = await cli(['nodes', '--node', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(3);
    expect(err).toMatch(/cannot be reached: ECONNREFUSED\. Does the server run, with HTTP_PORT\?/);
  });

  test('the node on this machine is the default, at HTTP_PORT', async () => {
    const { code } = await cli(['nodes'], { env: { HTTP_PORT: new URL(api.url).port } });
    expect(code).toBe(0);
    expect(api.requests).toEqual(['GET /nodes -']);
  });

  test.each([
    [401, 'tokenWrong', 5],
    [403, 'tokenNotSet', 5],
    [404, 'noStream', 4],
    [502, 'nodeUnreachable', 3],
    [500, 'internal', 1],
  ])('problem %d %s: exit code %d, and the sentence of the server', async (status, code, expected) => {
    api.answer('/streams/news', status, problem(status, code, 'What to do \u001b[2J about it.'));
    const result = await run(['stream', 'news']);
    expect(result.code).toBe(expected);
    expect(result.err).toBe('What to do \\u001b[2J about it.\n');
  });

  test('5 without the token, with where to set it', async () => {
    api.answer('/streams/news/end', 401, problem(401, 'tokenNeeded', 'Send a header, or log in.'));
    const { code, err } = await run(['end', 'news'], { env: {} });
    expect(code).toBe(5);
    expect(err).toBe("the server asks for its token: set OPERATOR_TOKEN here or in .env to the server's\n");
  });

  test('1 where something else answers', async () => {
    api.answer('/nodes', 200, { nodes: 'many' });
    const { code, err } = await run(['nodes']);
    expect(code).toBe(1);
    expect(err).toMatch(/not what this version of the program expects/);
  });
});
