import {
  COMMANDS,
  COMMON_OPTIONS,
  type CommandName,
  type CommandSpec,
  type OptionSpec,
  SOURCE_OPTIONS,
} from './command-specs';

const PROGRAM = 'npm run fleet --';

const EXIT_CODES = `Exit codes: 0 done, 1 failed (doctor: something does not work), 2 not understood, 3 the fleet cannot be
reached, 4 no such stream or node, or no effect, 5 not allowed, 6 not finished in time.`;

/** The usage of the program as a whole. */
export function usage(): string {
  const commands = Object.entries(COMMANDS).map(([name, spec]) => [[name, ...spec.args].join(' '), spec.says] as const);
  return [
    `Usage: ${PROGRAM} COMMAND [options]`,
    '',
    'Shows and operates a fleet, or a single node.',
    '',
    ...columns(commands),
    '',
    `Where the fleet is reached (default: --node http://127.0.0.1:HTTP_PORT, 8080 if that is not set):`,
    ...optionLines(SOURCE_OPTIONS),
    '',
    'Other options:',
    ...optionLines(COMMON_OPTIONS),
    '',
    `${PROGRAM} COMMAND --help says more. Settings are environment variables, or lines of a .env file here.`,
    EXIT_CODES,
  ].join('\n');
}

/** What fits below a fault without pushing it off the screen. */
export function shortUsage(): string {
  return [
    `Usage: ${PROGRAM} COMMAND [options]`,
    `Commands: ${Object.keys(COMMANDS).join(', ')}`,
    `${PROGRAM} --help says more.`,
  ].join('\n');
}

/** The usage of one command. */
export function usageOf(name: CommandName): string {
  const spec: CommandSpec = COMMANDS[name];
  const [first = '', ...more] = spec.says;
  return [
    `Usage: ${PROGRAM} ${[name, ...spec.args].join(' ')} [options]`,
    '',
    `${first.toUpperCase()}${more.join('')}.`,
    '',
    ...optionLines({ ...spec.options, ...(spec.needsFleet && SOURCE_OPTIONS), ...COMMON_OPTIONS }),
    '',
    'Examples:',
    ...spec.examples.map((example) => (example.includes('npm run') ? `  ${example}` : `  ${PROGRAM} ${example}`)),
    '',
    EXIT_CODES,
  ].join('\n');
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string[] {
  return columns(
    Object.entries(options).map(([name, { short, value, says }]) => {
      const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
      return [short === undefined ? long : `-${short}, ${long}`, says] as const;
    }),
  );
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`);
}
