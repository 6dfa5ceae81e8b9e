import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { banner } from './banner';
import { startLocalDeployment } from './local-deployment';
import { asShellScript, shellEnvironment } from './shell-environment';
import { createChannel } from './stream-channels';

/** RTMP's port, and a port for RTMPS that needs no privilege; others where these are not free. */
const preferredPorts = new Map([
  [1935, 1935],
  [443, 1443],
]);
const channel = 'demo';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort());
  print('Synthesizing and starting ...');
  const lines: string[] = [];
  let log = (line: string): void => void lines.push(line);
  const deployment = await startLocalDeployment({ preferredPorts, log: (line) => log(line) }).catch(
    (error: unknown) => {
      // Ctrl-C ends the running programs, too, and with them the start.
      if (end.signal.aborted) return undefined;
      throw error;
    },
  );
  if (deployment === undefined) return;
  try {
    const key = await createChannel(deployment, channel);
    const environmentFile = join(dirname(deployment.ca.caPath), 'environment');
    writeFileSync(environmentFile, asShellScript(shellEnvironment(deployment)), { mode: 0o600 });
    print(banner(deployment, { channel, key, environmentFile }));
    for (const line of lines) print(line);
    log = print;
    if (!end.signal.aborted) await once(end.signal, 'abort');
    print('\nEnding ...');
  } finally {
    await deployment.stop();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
    process.exit(1);
  },
);
