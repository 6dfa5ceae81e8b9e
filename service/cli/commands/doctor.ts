import { text as readAll } from 'node:stream/consumers';
import { withDotenvFile } from '../../config/dotenv-file';
import { withQuickStartPort } from '../../config/quick-start';
import { parseRtmpAddress, type RtmpAddress } from '../../round-trip/rtmp-address';
import type { TestChannel } from '../../round-trip/round-trip';
import type { CommandContext } from '../command-line/command-context';
import { examine } from '../doctor/doctor';
import type { Finding, Mark } from '../doctor/finding';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import type { Colour } from '../terminal/paint';
import { plainText } from '../terminal/plain-text';

const MARKS: Readonly<Record<Mark, readonly [sign: string, colour: Colour]>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['–', 'dim'],
};

/** `doctor`: makes the checks and prints each with a mark, a sentence and what to do. */
export async function doctorCommand(context: CommandContext): Promise<ExitCode> {
  const { terminal, options } = context;
  const json = options.flag('json');
  const warnings: string[] = [];
  const clientAddress = addressOf(options.text('rtmp'));
  const channel = await channelOf(context);
  const given = withDotenvFile(context.env, (warning) => warnings.push(warning));
  // Run by npm, it examines what `npm start` would run.
  const assumesHttpPort = context.env['npm_lifecycle_event'] === 'fleet' && !given.HTTP_PORT;
  const env = assumesHttpPort ? withQuickStartPort(given) : given;
  if (!json) terminal.progress('examining …');
  const findings = await examine({
    env,
    assumesHttpPort,
    warnings,
    clientAddress,
    channel,
    found: (finding) => {
      if (json) return;
      terminal.print(...describe(finding, context));
      terminal.progress('examining …');
    },
  });
  const count = (mark: Mark): number => findings.filter((finding) => finding.mark === mark).length;
  const failures = count('failed');
  if (json) terminal.print(JSON.stringify({ ok: failures === 0, checks: findings }, undefined, 2));
  else terminal.print('', summary(failures, count('warning'), count('skipped'), count('ok')));
  return failures > 0 ? ExitCode.Failed : ExitCode.Done;
}

function describe({ mark, check, says, todo }: Finding, { terminal }: CommandContext): string[] {
  const { paint } = terminal;
  const [sign, colour] = MARKS[mark];
  const line = `${paint(sign, colour)} ${plainText(says)}. ${paint(`[${check}]`, 'dim')}`;
  return todo === undefined ? [line] : [line, `    ${plainText(todo)}`];
}

function summary(failures: number, warnings: number, skipped: number, good: number): string {
  const verdict = failures > 0 ? `${failures} ✗ to correct` : 'Nothing is broken';
  return `${verdict}; ${good} ✓ good, ${warnings} ! to look at, ${skipped} – not checked.`;
}

function addressOf(url: string | undefined): RtmpAddress | undefined {
  if (url === undefined) return undefined;
  const address = parseRtmpAddress(url);
  if (address !== undefined) return address;
  throw new CommandFailure(
    ExitCode.NotUnderstood,
    '--rtmp takes rtmp://HOST[:PORT] or rtmps://HOST[:PORT], without a path',
  );
}

/** Keys come from standard input alone: command lines can be read by every user of a machine. */
async function channelOf({ options, stdin }: CommandContext): Promise<TestChannel | undefined> {
  const channel = options.text('channel');
  if (channel === undefined && !options.flag('key-stdin')) return undefined;
  if (channel === undefined || !options.flag('key-stdin')) {
    throw new CommandFailure(ExitCode.NotUnderstood, '--channel and --key-stdin belong together');
  }
  const [key = '', playKey = key] = (await readAll(stdin)).trim().split(/\s+/);
  if (key === '') throw new CommandFailure(ExitCode.NotUnderstood, 'there is no stream key on standard input');
  return { channel, key, playKey };
}
