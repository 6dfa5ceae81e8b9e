import { parseArgs } from 'node:util';
import { aboveZero, count, WrongArgument } from '../support/programs/arguments.cjs';
import { type Scenario, scenarios } from './scenarios';
import { describedPeers } from './servers/named-server';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  /** Peers' names or descriptions, or paths of other bundles of this server. */
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
npm run bench -- fleet [options]   what the fleet's registry costs Redis
npm run bench -- outputs [options]   what it costs to record, forward and package streams, also with ffmpeg
npm run bench -- faults [--seed N] [--minutes M] [--only KINDS]   three nodes, disturbed by faults and judged from outside
npm run bench -- abuse [--attack NAMES] [--seconds N] [--bundle FILE]   what somebody who attacks pays, and what it costs
npm run bench -- soak [--minutes N] [--share N]   hours of load: does the server lose, leak or slow down?
  --scenario NAMES   comma list, or all (default ${BASIC_SCENARIOS})
${scenarios.map(({ name, description }) => `      ${name.padEnd(16)} ${description}`).join('\n')}
  --against PEER     may be repeated: node-media-server, ${describedPeers().join(', ')},
                     a .json file that describes a server, or a .cjs file, another bundle of this server
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
    runs: values.profile ? 1 : count('--runs', values.runs),
    seconds: aboveZero('--seconds', values.seconds),
    warmupSeconds: aboveZero('--warmup', values.warmup),
    workers: values.workers === undefined ? undefined : count('--workers', values.workers),
    jsonFile: values.json,
    profile: values.profile,
  };
}

function chosenScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.includes('all')) return scenarios;
  return names.map((name) => {
    const scenario = scenarios.find((candidate) => candidate.name === name);
    if (scenario === undefined) throw new WrongArgument(`--scenario: there is no scenario ${name}`);
    return scenario;
  });
}
