import { onOutputsSignal } from './outputs-signals';
import { createInterface } from 'node:readline';
import { addressGroup } from '../addresses/address-group';
import { openToken } from '../aws/open-token';
import { describeSettings } from '../config/describe-settings';
import { withDotenvFile } from '../config/dotenv-file';
import { loadOutputsConfig } from '../config/outputs-config';
import { OperatorError } from '../errors/operator-error';
import { createLogger } from '../logging/create-logger';
import { Packager } from './hls/packager';
import { MemoryWatch, outputsMemoryBudget } from './memory-watch';
import { openOutputOpeners } from './open-outputs';
import { readOutputsCommandLine } from './outputs-command-line';
import { OutputsProgram, SHUTDOWN } from './outputs-program';
import type { StreamEnding } from './stream/output';
import { WATCHED_VARIABLE, watchSidecar } from './watched-sidecar';

/** Inserted by the bundler from package.json. */
declare const __SERVICE_VERSION__: string;

/** Set by the node that started this program. */
const CHILD_VARIABLE = 'RTMP_OUTPUTS_CHILD';
/** Part of the time to end in which outputs complete what they have (ms). */
const COMPLETE_MS = 5_000;

const GONE: StreamEnding = { code: 'lost', reason: 'The node ended without a word' };

interface Link {
  readonly port: number;
  readonly token: () => string | undefined;
}

async function main(): Promise<void> {
  const commandLine = readOutputsCommandLine(process.argv.slice(2), __SERVICE_VERSION__);
  if (commandLine.does === 'tell' || commandLine.does === 'refuse') {
    const told = commandLine.does === 'tell';
    (told ? process.stdout : process.stderr).write(`${commandLine.text}\n`);
    process.exitCode = told ? 0 : 2;
    return;
  }
  const isChild = process.env[CHILD_VARIABLE] === '1';
  const isWatched = process.env[WATCHED_VARIABLE] === '1';
  const dotenvWarnings: string[] = [];
  const env = withDotenvFile(process.env, (warning) => dotenvWarnings.push(warning));
  const { config, warnings, settings } = loadOutputsConfig(env);
  if (commandLine.does !== 'serve') {
    process.stdout.write(describeSettings({ settings, warnings: [...dotenvWarnings, ...warnings] }, commandLine.does));
    return;
  }
  const log = createLogger({ ...config.log, addressGroup }).child({ part: 'outputs' });
  // The process that started this one has warned of the same settings.
  if (!isChild && !isWatched) for (const warning of [...dotenvWarnings, ...warnings]) log.warning(warning);
  if (!isChild && !isWatched && config.outputs.run === 'sidecar') {
    process.exit(await watchSidecar({ onSignal: onOutputsSignal, log }));
  }
  const gone = new Promise<void>((resolve) => process.stdin.once('close', resolve));
  const link: Link = isChild ? await linkOfParent() : linkOfSidecar();

  const packager = new Packager({ settings: config.outputs.hls, token: link.token });
  const httpPort = await packager.listen();
  let isEnding = false;
  const leave = async (): Promise<void> => {
    await program.close();
    process.exit(0);
  };
  const program = new OutputsProgram({
    config: config.outputs,
    openers: (tell) => openOutputOpeners({ config, packager, tell, log }),
    link,
    httpPort: () => httpPort,
    log,
    finished: () => {
      // A sidecar stays for the next node in this place, unless it is to end too.
      if (!isChild) return;
      isEnding = true;
      void leave();
    },
  });
  const end = async (why: string, waitMs: number, ending: StreamEnding): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    log.info(`${why}: completing outputs`);
    const endBy = performance.now() + config.drainMs;
    await program.nodeFinishes(waitMs);
    await program.finish(endBy - performance.now(), ending);
    await leave();
  };
  if (isChild) {
    // The node tells when to finish. Its end without a word is the end of its streams.
    void gone.then(() => end('the node is gone', 0, GONE));
  } else {
    // The node of this task ends now, too: its streams are followed until it has ended them.
    onOutputsSignal((signal) => void end(signal, Math.max(0, config.drainMs - COMPLETE_MS), SHUTDOWN));
  }
  if (isWatched) {
    process.stdin.resume();
    void gone.then(() => end('the watching process is gone', 0, SHUTDOWN));
  }
  const memory = new MemoryWatch({
    budgetBytes: outputsMemoryBudget(isChild),
    shed: () => {
      for (const stream of program.streams) stream.shed();
    },
    log,
  });
  memory.start();
  program.start();

  function linkOfSidecar(): Link {
    const { run, link: settingsOfLink } = config.outputs;
    if (run !== 'sidecar') {
      throw new OperatorError(
        'rtmp-outputs is started by the node (OUTPUTS=YES). To run it by itself, set OUTPUTS=SIDECAR and OUTPUTS_TOKEN for both',
      );
    }
    const token = openToken({
      token: settingsOfLink.token,
      name: 'OUTPUTS_TOKEN_ARN',
      refreshMs: config.secretRefreshMs,
      log,
    });
    return { port: settingsOfLink.port, token: () => token.current() };
  }
}

/** Reads the first line of the standard input, which stays open for as long as the node lives. */
async function linkOfParent(): Promise<Link> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  const line = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
  });
  if (line === '') process.exit(0);
  const { port, token } = JSON.parse(line) as { readonly port: number; readonly token: string };
  process.stdin.resume();
  return { port, token: () => token };
}

main().catch((error: unknown) => {
  const text = error instanceof OperatorError ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
});
