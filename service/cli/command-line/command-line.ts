import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest } from '../../config/misspelled-names';
import { messageOf } from '../../errors/error-text';
import {
  COMMANDS,
  COMMON_OPTIONS,
  type CommandName,
  type CommandSpec,
  type OptionSpec,
  SOURCE_OPTIONS,
} from './command-specs';
import { shortUsage, usage, usageOf } from './usage';

/** Where the fleet is reached; undefined: the node on this machine. */
export type SourceChoice =
  | { readonly kind: 'node'; readonly url: string | undefined }
  | { readonly kind: 'redis' }
  | { readonly kind: 'aws'; readonly stack: string };

/** What the command line asks for. */
export type Invocation =
  | { readonly does: 'help'; readonly text: string }
  /** The fault, and the usage of the command or the program. */
  | { readonly does: 'refuse'; readonly fault: string; readonly text: string }
  | {
      readonly does: 'run';
      readonly command: CommandName;
      readonly args: readonly string[];
      readonly options: Options;
      readonly source: SourceChoice;
    };

/** The options that were given, by name. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }
}

/** @param argv the arguments behind the program's name */
export function readCommandLine(argv: readonly string[]): Invocation {
  const asksHelp = argv.includes('--help') || argv.includes('-h');
  const [first, ...others] = argv;
  if (first === 'help' || (asksHelp && first?.startsWith('-') === true)) return helpOn(others[0]);
  if (first === undefined) return { does: 'refuse', fault: 'a command is missing', text: usage() };
  if (!isCommand(first)) return { does: 'refuse', fault: noCommand(first), text: shortUsage() };
  if (asksHelp) return helpOn(first);
  const spec: CommandSpec = COMMANDS[first];
  const refuse = (fault: string): Invocation => ({ does: 'refuse', fault, text: usageOf(first) });
  try {
    const options = optionsOf(spec);
    const { values, positionals } = parseArgs({ args: joinDashes(spec, others), options, allowPositionals: true });
    if (positionals.length < spec.args.length) return refuse(`${spec.args[positionals.length]} is missing`);
    const extra = positionals[spec.args.length];
    if (extra !== undefined) return refuse(`unexpected ${JSON.stringify(extra)}`);
    const given = new Options(values);
    const sources = sourcesOf(given);
    if (sources.length > 1) return refuse('only one of --node, --redis and --aws can be given');
    const source = sources[0] ?? { kind: 'node', url: undefined };
    return { does: 'run', command: first, args: positionals, options: given, source };
  } catch (error) {
    return refuse(messageOf(error));
  }
}

function optionsOf(spec: CommandSpec): NonNullable<ParseArgsConfig['options']> {
  const specs: Readonly<Record<string, OptionSpec>> = {
    ...spec.options,
    ...(spec.needsFleet && SOURCE_OPTIONS),
    ...COMMON_OPTIONS,
  };
  return Object.fromEntries(
    Object.entries(specs).map(([name, { type, short }]) => [name, { type, ...(short !== undefined && { short }) }]),
  );
}

/** parseArgs takes `--sort -bitrate` for two options; as `--sort=-bitrate` it is one. */
function joinDashes(spec: CommandSpec, args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? '';
    const isValue = arg.startsWith('-') && !arg.startsWith('--') && spec.options[before.slice(2)]?.takesDash === true;
    if (isValue) joined[joined.length - 1] = `${before}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

function sourcesOf(options: Options): SourceChoice[] {
  const url = options.text('node');
  const stack = options.text('aws');
  return [
    ...(url === undefined ? [] : [{ kind: 'node', url } as const]),
    ...(options.flag('redis') ? [{ kind: 'redis' } as const] : []),
    ...(stack === undefined ? [] : [{ kind: 'aws', stack } as const]),
  ];
}

function helpOn(name: string | undefined): Invocation {
  return { does: 'help', text: name !== undefined && isCommand(name) ? usageOf(name) : usage() };
}

function noCommand(name: string): string {
  const meant = nearest(name.toLowerCase(), Object.keys(COMMANDS));
  return `there is no command ${JSON.stringify(name)}${meant === undefined ? '' : `: is ${meant} meant?`}`;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
