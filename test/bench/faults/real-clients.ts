import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEY } from '../../fleet/observed-handler';
import { RunningProgram } from '../../support/programs/running-program';
import { type FaultyFleet, RTMP_PORT } from './faulty-fleet';
import { FaultNetwork } from './network';

const RETRY_MS = 500;
const SOURCE_SECONDS = 20;

/** ffmpeg publishes a channel at each node, which is recorded and forwarded; ffmpeg and GStreamer play it elsewhere. */
export class RealClients {
  readonly channels: readonly string[];
  /** How often each program had to begin again. */
  readonly restarts = new Map<string, number>();
  readonly #programs = new Set<RunningProgram>();
  readonly #work: Promise<void>[] = [];
  #isOver = false;

  constructor(private readonly fleet: FaultyFleet) {
    this.channels = Array.from({ length: fleet.nodes }, (_, at) => `f${at}`);
  }

  start(): void {
    const source = this.#source();
    const { nodes } = this.fleet;
    this.channels.forEach((channel, at) => {
      const url = (node: number): string => `rtmp://${FaultNetwork.front(node)}:${RTMP_PORT}/${channel}/${KEY}`;
      const read = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', source, '-c', 'copy', '-f', 'flv'];
      this.#again(`ffmpeg publishes ${channel}`, at, (node) => ['ffmpeg', [...read, `${url(node)}?e=${channel}`]]);
      const play = (node: number): string[] => ['-v', 'error', '-rw_timeout', '10000000', '-i', url(node)];
      this.#again(`ffmpeg plays ${channel}`, (at + 1) % nodes, (node) => [
        ...['ffmpeg', [...play(node), '-c', 'copy', '-f', 'null', '-']],
      ]);
    });
    const [channel] = this.channels;
    this.#again(`GStreamer plays ${channel}`, 2 % nodes, (node) => {
      const location = `location=rtmp://${FaultNetwork.front(node)}:${RTMP_PORT}/${channel}/${KEY}`;
      return ['gst-launch-1.0', ['-q', 'rtmp2src', location, 'idle-timeout=10', '!', 'flvdemux', '!', 'fakesink']];
    });
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all([...this.#programs].map((program) => program.stop()));
    await Promise.all(this.#work);
  }

  /** What ffmpeg says against the files that were recorded: a line for each that it cannot read to its end. */
  recordingFaults(): { readonly files: number; readonly faults: readonly string[] } {
    const files = Array.from({ length: this.fleet.nodes }, (_, at) => this.fleet.recordings(at)).flatMap(flvFiles);
    const faults = files.flatMap((file) => {
      const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-i', file, '-c', 'copy', '-f', 'null', '-'], {
        encoding: 'utf8',
      });
      return status === 0 && stderr === '' ? [] : [`recording: ${file.slice(-60)}: ${stderr.split('\n')[0]}`];
    });
    return { files: files.length, faults };
  }

  #again(what: string, first: number, command: (node: number) => (string | string[])[]): void {
    this.restarts.set(what, 0);
    const run = async (): Promise<void> => {
      for (let node = first; !this.#isOver; node = (node + 1) % this.fleet.nodes) {
        const [program, args] = command(node) as [string, string[]];
        const running = new RunningProgram(program, args, { env: { PATH: process.env['PATH'] } });
        this.#programs.add(running);
        await running.exited.catch(() => undefined);
        this.#programs.delete(running);
        this.restarts.set(what, this.restarts.get(what)! + 1);
        await sleep(RETRY_MS);
      }
    };
    this.#work.push(run());
  }

  #source(): string {
    const path = join(this.fleet.directory, 'source.flv');
    const args = [
      ...['-v', 'error', '-y', '-f', 'lavfi', '-i', `testsrc2=size=320x180:rate=10:duration=${SOURCE_SECONDS}`],
      ...['-f', 'lavfi', '-i', `sine=sample_rate=44100:duration=${SOURCE_SECONDS}`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '10', '-b:v', '150k'],
      ...['-c:a', 'aac', '-b:a', '32k', '-f', 'flv', path],
    ];
    const made = spawnSync('ffmpeg', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    if (made.status !== 0) throw new Error('ffmpeg could not make the stream');
    return path;
  }
}

function flvFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.flv'))
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).size > 0);
}
