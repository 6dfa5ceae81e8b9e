import { parseArgs } from 'node:util';
import { type Scenario, scenarios } from './scenarios';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** Peers' names, or paths of other bundles of this server. */
  readonly against: readonly string[];
  /** Runs of every server per case, in turn. */
  readonly runs: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly jsonFile: string | undefined;
  readonly profile: boolean;
  /** Worker processes of this server, which may then use all cores. */
  readonly workers: number | undefined;
}

const BASIC_SCENARIOS = 'ingest,fanout200,mixed,idle';

export const usage = `npm run bench -- [options]
npm run bench -- fleet [options]   what the fleet's registry costs Redis; with --relays what relays cost
npm run bench -- abuse [--attack NAMES] [--seconds N] [--bundle FILE]   what somebody who attacks pays, and what it costs
  --scenario NAMES   comma list, or all (default ${BASIC_SCENARIOS})
${scenarios.map(({ name, description }) => `      ${name.padEnd(16)} ${description}`).join('\n')}
  --against PEER     nginx-rtmp, node-media-server, or the path of another bundle of this server; may be repeated
  --runs N           runs of each server, in turn (default 5)
  --seconds N        length of a measured window (default 8)
  --warmup N         seconds under load before it (default 20: the compilers need them)
  --workers N        WORKERS=N for this server, on all cores instead of one
  --json FILE        write all results there as well
  --profile          one run of this server; leaves a V8 CPU profile and a flame graph in .build/bench`;

/** Reads the command line. Throws an Error that describes its fault. */
export function readOptions(args: readonly string[]): BenchOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', multiple: true, default: [BASIC_SCENARIOS] },
      against: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '8' },
      warmup: { type: 'string', default: '20' },
      workers: { type: 'string' },
      json: { type: 'string' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    scenarios: chosenScenarios(values.scenario.flatMap((list) => list.split(','))),
    against: values.profile ? [] : values.against,
    runs: values.profile ? 1 : positive('--runs', values.runs),
    seconds: positive('--seconds', values.seconds),
    warmupSeconds: positive('--warmup', values.warmup),
    workers: values.workers === undefined ? undefined : positive('--workers', values.workers),
    jsonFile: values.json,
    profile: values.profile,
  };
}

function chosenScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.includes('all')) return scenarios;
  return names.map((name) => {
    const scenario = scenarios.find((candidate) => candidate.name === name);
    if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
    return scenario;
  });
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} needs a number above 0, not ${text}`);
  return value;
}
