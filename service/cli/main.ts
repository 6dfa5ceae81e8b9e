import { ExitCode } from './command-line/exit-codes';
import { runCli } from './run-cli';

/** The program `rtmp-fleet`, which `npm run fleet` starts. */
async function main(): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  // Such as `fleet streams | head`: nobody reads the rest.
  process.stdout.on('error', () => process.exit(ExitCode.Done));
  const { env, stdin, stdout, stderr } = process;
  process.exitCode = await runCli(process.argv.slice(2), { env, stdin, stdout, stderr, signal: stop.signal });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? String(error.stack) : String(error)}\n`);
  process.exitCode = ExitCode.Failed;
});
