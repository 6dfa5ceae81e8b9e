import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { exitCodeOf, WrongArgument } from '../support/programs/arguments.cjs';
import { abuseCommand } from './abuse/command';
import { faultsCommand } from './faults/command';
import { fleetCommand } from './fleet/command';
import type { RunResult } from './metrics';
import { outputsCommand } from './outputs/command';
import { type BenchOptions, readOptions, usage } from './options';
import { heaviestFunctions, readCallTree } from './profile/cpu-profile';
import { flameGraph } from './profile/flame-graph';
import { describeMachine } from './report/machine';
import { type CaseResult, judge, type ServerResult } from './report/results';
import { spreadsOf } from './report/statistics';
import { caseTable, targetTable } from './report/tables';
import { measuredRun, type RunSettings } from './runs/measured-run';
import type { TimeWindow } from './runs/run-context';
import type { BenchCase } from './scenarios';
import { serverNamed } from './servers/named-server';
import { rtmpServer } from './servers/rtmp-server';
import type { ServerKind } from './servers/server-kind';
import { soakCommand } from './soak/command';
import { targets } from './targets';

const BUNDLE = '.build/rtmp-server.cjs';
const OUTPUT_DIRECTORY = join('.build', 'bench');
const HEAVIEST_SHOWN = 20;

/** Benchmarks with options of their own. */
const commands = new Map<string, (args: readonly string[], bundle: string) => Promise<void>>([
  ['fleet', fleetCommand],
  ['outputs', outputsCommand],
  ['faults', faultsCommand],
  ['abuse', abuseCommand],
  ['soak', soakCommand],
]);

async function main(): Promise<void> {
  const [word = '--', ...rest] = process.argv.slice(2);
  const command = commands.get(word);
  if (command !== undefined) {
    await command(rest, BUNDLE);
    return;
  }
  if (!word.startsWith('-')) {
    throw new WrongArgument(`there is no benchmark '${word}', only ${[...commands.keys()].join(', ')}, or options`);
  }
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
    return;
  }
  const servers = [rtmpServer(BUNDLE), ...options.against.map(serverNamed)];
  const versions = new Map(servers.map((server) => [server.name, server.version()]));
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  versions.forEach((version, name) => console.log(`${name}: ${version}`));

  const results: CaseResult[] = [];
  for (const benchCase of distinctCases(options)) {
    const result = await runCase(benchCase, servers, versions, options);
    results.push(result);
    console.log(`\n${caseTable(result)}`);
  }
  const outcomes = judge(targets, results);
  if (outcomes.length > 0) console.log(`\n${targetTable(outcomes)}`);
  if (options.jsonFile !== undefined) {
    const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
    const report = { date: new Date().toISOString(), command, machine, cases: results, targets: outcomes };
    writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  }
}

/** The chosen scenarios' cases; a case of several scenarios is run once. */
function distinctCases(options: BenchOptions): BenchCase[] {
  const byId = new Map<string, BenchCase>();
  for (const benchCase of options.scenarios.flatMap(({ cases }) => cases)) {
    const known = byId.get(benchCase.id);
    byId.set(benchCase.id, { ...benchCase, peers: benchCase.peers || (known?.peers ?? false) });
  }
  return [...byId.values()].map((benchCase) => ({ ...benchCase, workers: benchCase.workers ?? options.workers }));
}

/** Runs the servers in turn, so that other load of the machine affects all of them equally. */
async function runCase(
  benchCase: BenchCase,
  servers: readonly ServerKind[],
  versions: ReadonlyMap<string, string>,
  options: BenchOptions,
): Promise<CaseResult> {
  const taking = servers.filter(({ ours }) => ours || benchCase.peers);
  const collected = taking.map((kind) => ({ kind, command: '', runs: [] as RunResult[] }));
  for (let run = 1; run <= Math.min(options.runs, benchCase.maxRuns ?? Infinity); run++) {
    for (const entry of collected) {
      const progress = `${benchCase.id}, run ${run}, ${entry.kind.name}:`;
      try {
        const result = await measuredRun(entry.kind, benchCase, runSettings(benchCase, options));
        if (options.profile) drawProfile(benchCase, result.window);
        entry.command = result.command;
        entry.runs.push({ metrics: result.metrics, warnings: result.warnings });
        console.error(`${progress} ${headline(result)}${notes(result.warnings)}`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        entry.runs.push({ metrics: {}, warnings: [`the run failed: ${reason}`] });
        console.error(`${progress} FAILED: ${reason}`);
      }
    }
  }
  return {
    benchCase,
    servers: collected.map(({ kind, command, runs }): ServerResult => {
      const { name: server, ours } = kind;
      return { server, ours, version: versions.get(server) ?? '', command, runs, spreads: spreadsOf(runs) };
    }),
  };
}

/** The server gets the first core and the generator the last; several workers share all of them with the generator. */
function runSettings(benchCase: BenchCase, { seconds, warmupSeconds, profile }: BenchOptions): RunSettings {
  const cores = cpus().map((_, core) => core);
  const shared = benchCase.workers !== undefined;
  return {
    seconds,
    warmupSeconds: Math.max(warmupSeconds, benchCase.minWarmupSeconds ?? 0),
    serverCores: shared ? cores : cores.slice(0, 1),
    generatorCores: shared ? cores : cores.slice(-1),
    profile: profile ? { directory: resolve(OUTPUT_DIRECTORY), fileName: `${benchCase.id}.cpuprofile` } : undefined,
  };
}

function headline({ metrics }: RunResult): string {
  if (metrics.maxPlayers !== undefined) return `${metrics.maxPlayers} players`;
  if (metrics.kbPerIdlePlayer !== undefined) return `${metrics.kbPerIdlePlayer.toFixed(1)} KB per player`;
  return metrics.costSecondsPerGb === undefined ? 'done' : `${metrics.costSecondsPerGb.toFixed(3)} s/GB`;
}

function notes(warnings: readonly string[]): string {
  return warnings.map((warning) => `\n  ! ${warning}`).join('');
}

function drawProfile(benchCase: BenchCase, { fromMs, untilMs }: TimeWindow): void {
  const profileFile = join(OUTPUT_DIRECTORY, `${benchCase.id}.cpuprofile`);
  const graphFile = join(OUTPUT_DIRECTORY, `${benchCase.id}.svg`);
  const tree = readCallTree(profileFile, fromMs, untilMs);
  writeFileSync(graphFile, flameGraph(tree, benchCase.title));
  console.log(`\n${profileFile}, ${graphFile}; time in functions themselves:`);
  for (const { name, location, share } of heaviestFunctions(tree, HEAVIEST_SHOWN)) {
    console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}  ${location}`);
  }
}

process.on('SIGTERM', () => process.exit(143));
main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(exitCodeOf(error));
});
