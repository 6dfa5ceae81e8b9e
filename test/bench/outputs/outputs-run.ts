import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTreeUsage } from '../measure/process-tree';
import { MEGABYTE, sleep } from '../runs/run-context';
import { spawnPinned, stopProcess } from '../servers/pinned-process';
import { rtmpServer } from '../servers/rtmp-server';
import { RunningServer } from '../servers/running-server';

/** What is done with each stream. */
export const TASKS = ['none', 'record', 'forward', 'hls'] as const;
export type Task = (typeof TASKS)[number];

export interface OutputsSettings {
  readonly task: Task;
  readonly by: 'rtmp-outputs' | 'ffmpeg';
  readonly bundle: string;
  readonly streams: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
}

export interface OutputsCost {
  /** CPU seconds of the node, and of what writes the streams out. */
  readonly node: number;
  readonly outputs: number;
  /** Of the streams, once. */
  readonly gigabytes: number;
  readonly seconds: number;
  readonly outputsMb: number;
  /** Streams that were written out, as far as can be seen. */
  readonly streams: number;
}

const SOURCE_SECONDS = 20;
const MEDIA = join('.build', 'bench', 'outputs-source.flv');

/**
 * Publishes `streams` copies of one stream of 4 Mbps to a node on the first core, where also what writes them out runs.
 * The publishers, and the server that forwards go to, have the last core.
 */
export async function outputsRun(settings: OutputsSettings): Promise<OutputsCost> {
  const cores = cpus().map((_, core) => core);
  const [first, last] = [cores.slice(0, 1), cores.slice(-1)];
  const source = sourceFile();
  const directory = mkdtempSync(join(tmpdir(), 'rtmp-bench-outputs-'));
  const isOurs = settings.by === 'rtmp-outputs';
  const started: ChildProcess[] = [];
  const servers: RunningServer[] = [];
  const start = async (env: Record<string, string>, on: readonly number[]): Promise<RunningServer> => {
    const server = await RunningServer.start(rtmpServer(settings.bundle), {
      ...{ cores: on, transport: 'rtmp', env, profile: undefined },
    });
    servers.push(server);
    return server;
  };
  const policies = { target: '' };
  const handler = await callbackHandler(policies);
  try {
    const sink = await start({}, last);
    policies.target = `rtmp://127.0.0.1:${sink.streams.port}`;
    const callback = {
      CALLBACK_URL: `http://127.0.0.1:${(handler.address() as AddressInfo).port}/`,
      JWT_SECRET: 'a secret of the benchmark, long enough',
    };
    const node = await start({ ...callback, ...(isOurs ? settingsOf(settings.task, directory) : {}) }, first);
    // One server receives the stream once, and forwards copies of it: that costs the generator's core least.
    const copies = Array.from(
      { length: settings.streams },
      (_, n) => `rtmp://127.0.0.1:${node.streams.port}/bench-${n}/key`,
    );
    const half = Math.ceil(copies.length / 2);
    for (const urls of [copies.slice(0, half), copies.slice(half)]) {
      if (urls.length === 0) continue;
      const feeder = await start({ FORWARD_URLS: urls.join(' '), FORWARD_ALLOW: '127.0.0.1' }, last);
      const to = `rtmp://127.0.0.1:${feeder.streams.port}/feed/key`;
      const args = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', source, '-c', 'copy', '-f', 'flv', to];
      started.push(spawnPinned({ command: 'ffmpeg', args, env: {} }, last, directory, 'ignore'));
    }
    await sleep(3);
    const writers: ChildProcess[] = [];
    if (!isOurs && settings.task !== 'none') {
      for (const [n, url] of copies.entries()) {
        const args = [
          '-v',
          'error',
          '-nostdin',
          '-i',
          url,
          '-c',
          'copy',
          ...ffmpegTo(settings.task, n, directory, policies),
        ];
        writers.push(spawnPinned({ command: 'ffmpeg', args, env: {} }, first, directory, 'ignore'));
      }
      started.push(...writers);
    }
    await sleep(settings.warmupSeconds);
    const usage = () => {
      const [nodeSeconds = 0, ...children] = node.usage().perProcess;
      const trees = writers.map((child) => readTreeUsage(child.pid ?? 0));
      return {
        node: nodeSeconds,
        outputs: [...children, ...trees.map((tree) => tree.cpuSeconds)].reduce((sum, seconds) => sum + seconds, 0),
      };
    };
    const before = usage();
    const beganAt = performance.now();
    await sleep(settings.seconds);
    const after = usage();
    const seconds = (performance.now() - beganAt) / 1000;
    const ended = started.filter(({ pid, exitCode, signalCode }) => !pid || exitCode !== null || signalCode !== null);
    if (ended.length > 0) throw new Error(`${ended.length} of ${started.length} ffmpeg ended during the run`);
    const rss = isOurs
      ? node.usage().rssBytes
      : writers.reduce((sum, { pid }) => sum + readTreeUsage(pid ?? 0).rssBytes, 0);
    return {
      node: after.node - before.node,
      outputs: after.outputs - before.outputs,
      gigabytes: ((statSync(source).size / SOURCE_SECONDS) * seconds * settings.streams) / 1e9,
      seconds,
      outputsMb: rss / MEGABYTE,
      streams: settings.task === 'record' || settings.task === 'hls' ? writtenIn(directory) : settings.streams,
    };
  } finally {
    await Promise.all(started.map(stopProcess));
    await Promise.all(servers.map((server) => server.stop()));
    handler.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function settingsOf(task: Task, directory: string): Record<string, string> {
  if (task === 'record') return { RECORD_TO: join(directory, 'out') };
  if (task === 'hls') return { HLS_TO: join(directory, 'out') };
  return task === 'forward' ? { OUTPUTS: 'YES', FORWARD_ALLOW: '127.0.0.1' } : {};
}

function ffmpegTo(task: Task, n: number, directory: string, { target }: { readonly target: string }): string[] {
  if (task === 'forward') return ['-f', 'flv', `${target}/bench-${n}/key`];
  const folder = join(directory, 'out', `bench-${n}`);
  mkdirSync(folder, { recursive: true });
  if (task === 'record') return ['-f', 'flv', join(folder, 'file.flv')];
  const fragmented = ['-hls_segment_type', 'fmp4', '-hls_flags', 'delete_segments'];
  return ['-f', 'hls', '-hls_time', '2', ...fragmented, join(folder, 'index.m3u8')];
}

/** Channels that something was written for. */
function writtenIn(directory: string): number {
  const out = join(directory, 'out');
  if (!existsSync(out)) return 0;
  const isWritten = (folder: string): boolean =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => {
      const file = statSync(join(folder, name), { throwIfNoEntry: false });
      return file?.isFile() === true && file.size > 0;
    });
  return readdirSync(out).filter((name) => name.startsWith('bench-') && isWritten(join(out, name))).length;
}

/** Accepts every publisher, and has each stream forwarded to a channel of its own. */
async function callbackHandler(policies: { readonly target: string }): Promise<Server> {
  const server = createServer((request, response) => {
    const [, payload = ''] = String(request.headers['rtmp-event']).split('.');
    const { event, channel } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, string>;
    const forward = event === 'start' && channel !== undefined ? `${policies.target}/${channel}/key` : 'none';
    response.writeHead(200, { 'stream-id': '', forward }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Some seconds of H.264 and AAC at 4 Mbps, with a keyframe every two seconds; made once. */
export function sourceFile(): string {
  if (spawnSync('ffmpeg', ['-version']).status !== 0) throw new Error('ffmpeg cannot be started');
  const path = join(process.cwd(), MEDIA);
  if (existsSync(path)) return path;
  const args = [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=1280x720:rate=30:duration=${SOURCE_SECONDS}`],
    ...['-f', 'lavfi', '-i', `sine=sample_rate=48000:duration=${SOURCE_SECONDS}`],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60', '-sc_threshold', '0'],
    ...['-b:v', '4000k', '-minrate', '4000k', '-maxrate', '4000k', '-bufsize', '4000k', '-x264-params', 'nal-hrd=cbr'],
    ...['-c:a', 'aac', '-b:a', '128k', '-f', 'flv', path],
  ];
  const made = spawnSync('ffmpeg', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (made.status !== 0) throw new Error('ffmpeg could not make the stream');
  return path;
}
