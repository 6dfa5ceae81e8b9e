// Imported first, so that no signal is lost while the other modules are loaded.
import { onEndSignal } from './node/end-signals';
import cluster from 'node:cluster';
import { banner } from './banner';
import { readCommandLine } from './command-line';
import { describeSettings } from './config/describe-settings';
import { withDotenvFile } from './config/dotenv-file';
import { withQuickStartPort } from './config/quick-start';
import { loadServiceConfig } from './config/service-config';
import { createLogger } from './logging/create-logger';
import { addressGroup } from './addresses/address-group';
import { type RunningService, startNode } from './node/node';
import { describeStartFailure } from './node/start-failure';
import { runWorker } from './workers/run-worker';
import { startWorkers } from './workers/supervisor';

/** Inserted by the bundler from package.json. */
declare const __SERVICE_VERSION__: string;

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2), __SERVICE_VERSION__);
  if (commandLine.does === 'print' || commandLine.does === 'check') {
    printSettings(commandLine.does, commandLine.quickStart);
    return;
  }
  if (commandLine.does !== 'serve') {
    const told = commandLine.does === 'tell';
    (told ? process.stdout : process.stderr).write(`${commandLine.text}\n`);
    process.exitCode = told ? 0 : 2;
    return;
  }
  const { quickStart } = commandLine;
  const dotenvWarnings: string[] = [];
  const env = withDotenvFile(process.env, (warning) => dotenvWarnings.push(warning));
  const httpPortMayMove = quickStart && !env.HTTP_PORT;
  const { config, warnings } = loadServiceConfig(httpPortMayMove ? withQuickStartPort(env) : env);
  const log = createLogger({ ...config.log, addressGroup });
  if (cluster.isWorker) {
    await runWorker(config, log.child({ worker: cluster.worker?.id }), __SERVICE_VERSION__);
    return;
  }
  for (const warning of [...dotenvWarnings, ...warnings]) log.warning(warning);
  let ending = false;
  const end = (why: string): void => {
    // Ctrl-C in a terminal reaches npm and this process, and npm forwards it: the second signal means the same.
    if (ending) return;
    ending = true;
    log.info(`${why}: shutting down`);
    // A start that waits for something has no clients to end, so it is given up after the drain time.
    const patience = setTimeout(() => process.exit(0), config.drainMs);
    const stop = (node: RunningService): Promise<void> => {
      clearTimeout(patience);
      return node.stop();
    };
    void starting.then(stop).then(() => process.exit(0));
  };
  const drainRequested = (): void => end('drain command');
  const emptied = (): void => end('the task is leaving and nobody is left');
  const starting =
    config.workers > 1
      ? startWorkers({ config, log, httpPortMayMove, drainRequested })
      : startNode({ config, log, version: __SERVICE_VERSION__, httpPortMayMove, drainRequested, emptied });
  onEndSignal(end);

  const { ports } = await starting;
  if (quickStart) process.stdout.write(`${banner(config, ports)}\n`);
}

/** @throws ConfigError when the settings cannot be used */
function printSettings(what: 'print' | 'check', quickStart: boolean): void {
  const warnings: string[] = [];
  const env = withDotenvFile(process.env, (warning) => warnings.push(warning));
  const loaded = loadServiceConfig(quickStart ? withQuickStartPort(env) : env);
  warnings.push(...loaded.warnings);
  process.stdout.write(describeSettings({ ...loaded, warnings }, what));
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeStartFailure(error)}\n`);
  process.exit(1);
});
