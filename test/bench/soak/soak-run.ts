import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ChurnReport, PlayerReport, WitnessReport } from '../load/generator-api';
import { GeneratorProcess } from '../load/generator-process';
import { LoadGenerator } from '../load/load-generator';
import { busyCoreSeconds } from '../measure/core-time';
import { readTreeUsage } from '../measure/process-tree';
import { sleep } from '../runs/run-context';
import { sourceFile } from '../outputs/outputs-run';
import { CpuQuota } from '../servers/cpu-quota';
import { spawnPinned, stopProcess } from '../servers/pinned-process';
import { rtmpServer } from '../servers/rtmp-server';
import { RunningServer } from '../servers/running-server';
import type { ProbeSample } from './probe';
import { SoakHandler } from './soak-handler';
import { type Playlist, playlistOf, RecordedStream } from './written-streams';

export interface SoakOptions {
  readonly bundle: string;
  readonly minutes: number;
  /** Of `cpus` (of one core without a quota), that the server is to use. */
  readonly share: number;
  /** CPU time that the server and its outputs have, in cores, as a Fargate task has; undefined: no quota. */
  readonly cpus: number | undefined;
  /** Called with what happens. */
  readonly tell: (line: string) => void;
}

/** One stretch of the run. */
export interface Stretch {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly players: PlayerReport;
  readonly serverCpuShare: number;
  /** Of all cores, used by programs that are no part of the run. */
  readonly foreignCpuShare: number;
}

export interface SoakResult {
  readonly players: number;
  readonly churnPerSecond: number;
  readonly stretches: readonly Stretch[];
  /** Samples of the processes of the server, by name, from the beginning of the load to its end. */
  readonly samples: ReadonlyMap<string, readonly ProbeSample[]>;
  /** The server before anybody came, and after all had gone. */
  readonly before: ProbeSample;
  readonly after: ProbeSample;
  readonly witnesses: WitnessReport;
  readonly churn: ChurnReport;
  readonly disconnects: readonly string[];
  readonly recorded: RecordedStream;
  readonly playlist: Playlist;
  readonly handler: { readonly starts: number; readonly open: number; readonly unmatched: number };
  readonly endOfLog: string;
}

const STEADY_STREAMS = 4;
const FIRST_PLAYERS = 20;
const LEAST_PLAYERS = STEADY_STREAMS;
const MOST_PLAYERS = 6_000;
const CALIBRATIONS = 5;
/** About what one player more costs: the search for their number goes by it. */
const SHARE_OF_PLAYER = 0.00025;
const CALIBRATION_SECONDS = 8;
/** Short connections a second at the whole of a core. */
const CHURN_AT_FULL = 40;
const PROBE_MS = 5_000;
const STRETCHES = 60;
const LEAST_STRETCH_SECONDS = 10;
const PART_SECONDS = 60;
/** How long the server may keep what was of clients that have gone: streams are held for ten seconds. */
const SETTLE_SECONDS = 60;
/** What the fast stream sends in all: a little more than 2^32 bytes, in four fifths of the run. */
const FAST_BYTES = 4.4e9;
const BYTES_PER_STREAM_SECOND = 515_000;

/** One server under steady load for a long time, while others come and go, and some streams are watched all along. */
export async function soakRun(options: SoakOptions): Promise<SoakResult> {
  const cores = cpus().map((_, core) => core);
  const [serverCores, generatorCores] = [cores.slice(0, 1), cores.slice(-1)];
  const directory = mkdtempSync(join(tmpdir(), 'rtmp-soak-'));
  const handler = await SoakHandler.start({ 'bench-witness-1': { record: 'YES' }, packaged: { hls: 'YES' } });
  const probeFile = join(directory, 'probe');
  const env = {
    ...{ CALLBACK_URL: handler.url, JWT_SECRET: 'a secret of the benchmark, long enough' },
    ...{ RECORD_TO: join(directory, 'recordings'), RECORD_STREAMS: 'asked', RECORD_PART_SECONDS: String(PART_SECONDS) },
    ...{ HLS_TO: 'memory', HLS_STREAMS: 'asked' },
    ...{ NODE_OPTIONS: `--require=${resolve('.build/bench/soak-probe.cjs')}` },
    ...{ SOAK_PROBE: probeFile, SOAK_PROBE_MS: String(PROBE_MS), RECONNECT_GRACE_SECONDS: '2' },
  };
  const quota = options.cpus === undefined ? undefined : CpuQuota.create(options.cpus);
  const server = await RunningServer.start(rtmpServer(options.bundle), {
    quota,
    ...{ cores: serverCores, transport: 'rtmp', playerProtocol: 'http-flv', env, profile: undefined },
  });
  const pattern = { ...server.streams, flv: undefined };
  const witnesses = new GeneratorProcess('witnesses', generatorCores);
  const generator = new LoadGenerator(pattern, generatorCores);
  // Only real video can be packaged.
  const url = `rtmp://${pattern.host}:${pattern.port}/packaged/key`;
  const source = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', sourceFile(), '-c', 'copy', '-f', 'flv', url];
  const start = { command: 'ffmpeg', args: source, env: {} };
  const encoder = (): ChildProcess => spawnPinned(start, generatorCores, directory, 'ignore');
  try {
    const run = new SoakRun(options, { server, witnesses, generator, encoder, handler, directory, cores });
    return await run.run();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${server.endOfLog()}`, {
      cause: error,
    });
  } finally {
    await Promise.all([witnesses.stop(), generator.stop()]);
    await server.stop();
    quota?.remove();
    handler.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Surrounding {
  readonly server: RunningServer;
  readonly witnesses: GeneratorProcess<'witnesses'>;
  readonly generator: LoadGenerator;
  readonly handler: SoakHandler;
  readonly directory: string;
  /** Starts an ffmpeg that publishes for the packager. */
  readonly encoder: () => ChildProcess;
  readonly cores: readonly number[];
}

class SoakRun {
  readonly #disconnects: string[] = [];

  constructor(
    private readonly options: SoakOptions,
    private readonly about: Surrounding,
  ) {}

  async run(): Promise<SoakResult> {
    const { minutes, tell } = this.options;
    const { server, witnesses, generator, handler, directory } = this.about;
    await sleep((2.5 * PROBE_MS) / 1000);
    const before = this.#newest();
    const fastSpeed = FAST_BYTES / (BYTES_PER_STREAM_SECOND * minutes * 60 * 0.8);
    const flvPort = server.streams.flv?.port ?? 0;
    const beganAt = performance.now();
    await witnesses.call('start', { pattern: { ...server.streams, flv: undefined }, flvPort, fastSpeed });
    await generator.startPublishers(STEADY_STREAMS, 4_096);
    const encoder = this.about.encoder();
    const churnPerSecond = Math.max(1, Math.round(CHURN_AT_FULL * this.#share));
    await generator.startChurn(churnPerSecond);
    const players = await this.#calibrate();
    tell(`${players} players, ${churnPerSecond} short connections a second`);

    const loadedAt = Date.now();
    const recorded = new RecordedStream(join(directory, 'recordings'), 'bench-witness-1', 1);
    const stretches: Stretch[] = [];
    const seconds = Math.max(LEAST_STRETCH_SECONDS, (minutes * 60) / STRETCHES);
    while (performance.now() - beganAt + seconds * 500 < minutes * 60_000) {
      const stretch = await this.#stretch(seconds);
      stretches.push(stretch);
      recorded.check();
      this.#tell(stretch, await witnesses.call('report', {}));
    }
    const playlist = await playlistOf(`http://127.0.0.1:${flvPort}/hls/packaged/index.m3u8?key=key`);
    const report = await witnesses.call('report', {});
    const samples = this.#samples(loadedAt);
    const churn = await generator.stopChurn();
    await witnesses.call('stop', {});
    await Promise.all([generator.stop(), witnesses.stop(), stopProcess(encoder)]);
    const after = await this.#settled(before);
    recorded.check(true);
    const { starts, open, unmatched } = handler;
    return {
      ...{ players, churnPerSecond, stretches, samples, before, after, witnesses: report, churn, recorded, playlist },
      ...{ handler: { starts, open, unmatched }, disconnects: this.#disconnects, endOfLog: server.endOfLog() },
    };
  }

  /** The number of players with which the server uses its share. */
  async #calibrate(): Promise<number> {
    const { tell } = this.options;
    const share = this.#share;
    const { generator } = this.about;
    let players = FIRST_PLAYERS;
    for (let round = 1; ; round += 1) {
      await generator.setPlayers(STEADY_STREAMS, players, 10);
      await sleep(CALIBRATION_SECONDS);
      const { serverCpuShare } = await this.#stretch(CALIBRATION_SECONDS);
      tell(`${players} players: ${(100 * serverCpuShare).toFixed(0)} % of a core`);
      if (round > CALIBRATIONS || Math.abs(serverCpuShare - share) < 0.05 * share) return players;
      const wanted = players + (share - serverCpuShare) / SHARE_OF_PLAYER;
      players = Math.round(Math.min(MOST_PLAYERS, Math.max(LEAST_PLAYERS, wanted)));
    }
  }

  /** Of a core. */
  get #share(): number {
    return this.options.share * (this.options.cpus ?? 1);
  }

  async #stretch(seconds: number): Promise<Stretch> {
    const { server, generator, cores } = this.about;
    const busy = (): number => cores.reduce((sum, core) => sum + busyCoreSeconds(core), 0);
    await generator.beginWindow();
    const [usedBefore, busyBefore] = [server.usage().cpuSeconds, busy()];
    const oursBefore = readTreeUsage(process.pid).cpuSeconds;
    const beganAt = performance.now();
    await sleep(seconds);
    const used = server.usage().cpuSeconds - usedBefore;
    const took = (performance.now() - beganAt) / 1000;
    const busyCores = (busy() - busyBefore) / took;
    const ours = (readTreeUsage(process.pid).cpuSeconds - oursBefore) / took;
    const { players, publishers } = await generator.endWindow();
    this.#disconnects.push(...players.disconnects, ...publishers.disconnects);
    return {
      at: Date.now(),
      players,
      serverCpuShare: used / took,
      foreignCpuShare: Math.max(0, busyCores - ours) / cores.length,
    };
  }

  #tell({ players, serverCpuShare, foreignCpuShare }: Stretch, { streams, failures }: WitnessReport): void {
    const newest = this.#newest();
    const sum = (of: (stream: WitnessReport['streams'][number]) => number): number =>
      streams.reduce((total, stream) => total + of(stream), 0);
    const faults = sum((s) => s.lost + s.duplicates + s.corrupt + s.timestampErrors) + failures.length;
    const passed = streams.filter(({ clockPassed }) => clockPassed).length;
    for (const stream of streams) {
      const { name, lost, duplicates, corrupt, timestampErrors } = stream;
      if (lost + duplicates + corrupt + timestampErrors > 0) {
        this.options.tell(
          `  ! ${name}: ${lost} lost, ${duplicates} twice, ${corrupt} changed, ${timestampErrors} times`,
        );
      }
    }
    for (const failure of failures) this.options.tell(`  ! ${failure}`);
    const gigabytes = Math.max(...streams.map(({ bytesReceived }) => bytesReceived)) / 1e9;
    this.options.tell(
      `${new Date().toISOString().slice(11, 19)} CPU ${(100 * serverCpuShare).toFixed(0)} %, others ` +
        `${(100 * foreignCpuShare).toFixed(0)} %, RSS ${(newest.rssBytes / 1e6).toFixed(0)} MB, heap ` +
        `${(newest.heapBytes / 1e6).toFixed(0)}, p99 ${players.latency.all.p99.toFixed(0)} ms, lost ${players.lost}; ` +
        `watched: ${faults} faults, ${passed} clocks passed, ${gigabytes.toFixed(2)} GB`,
    );
  }

  /** Until the server has given back what clients took, or for some time. */
  async #settled(before: ProbeSample): Promise<ProbeSample> {
    const sockets = ({ resources }: ProbeSample): number => resources['TCPSocketWrap'] ?? 0;
    for (let waited = 0; waited < SETTLE_SECONDS; waited += 1) {
      const newest = this.#newest();
      if (sockets(newest) <= sockets(before) && this.about.handler.open === 0) break;
      await sleep(1);
    }
    await sleep((2.5 * PROBE_MS) / 1000);
    return this.#newest();
  }

  /** Of the server's own process, which has the lowest id. */
  #newest(): ProbeSample {
    const [first] = this.#files();
    const lines = readFileSync(join(this.about.directory, first ?? ''), 'utf8')
      .trimEnd()
      .split('\n');
    return JSON.parse(lines.at(-1) ?? '') as ProbeSample;
  }

  #samples(since: number): Map<string, ProbeSample[]> {
    const samples = new Map<string, ProbeSample[]>();
    for (const [at, file] of this.#files().entries()) {
      const lines = readFileSync(join(this.about.directory, file), 'utf8').trimEnd().split('\n');
      const all = lines.map((line) => JSON.parse(line) as ProbeSample).filter((sample) => sample.at > since);
      samples.set(at === 0 ? 'node' : 'rtmp-outputs', all);
    }
    return samples;
  }

  #files(): string[] {
    const pidOf = (file: string): number => Number(file.slice(file.lastIndexOf('.') + 1));
    return readdirSync(this.about.directory)
      .filter((name) => name.startsWith('probe.'))
      .sort((one, other) => pidOf(one) - pidOf(other));
  }
}
