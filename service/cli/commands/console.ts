import { once } from 'node:events';
import { codeOf, messageOf } from '../../errors/error-text';
import { ConsolePages } from '../../http/console-pages';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import { LocalConsole } from '../local-console/local-console';
import type { FleetContext } from './fleet-context';

/** `console [--port N]`: serves until Ctrl-C. */
export async function consoleCommand(context: FleetContext): Promise<ExitCode> {
  const { terminal, options, source, signal, fleet } = context;
  const port = Number(options.text('port') ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new CommandFailure(ExitCode.NotUnderstood, '--port takes 0 to 65535');
  }
  terminal.progress(`asking ${source.name} …`);
  // A fleet that cannot be reached is better told here than in the page.
  await fleet.nodes();
  const local = new LocalConsole(source, new ConsolePages());
  const url = await local.listen(port).catch((error: unknown) => {
    const why = codeOf(error) === 'EADDRINUSE' ? 'the port is taken' : messageOf(error);
    throw new CommandFailure(ExitCode.Failed, `the console cannot listen on 127.0.0.1:${port}: ${why}`);
  });
  const mode = source.readOnly === undefined ? '' : ` (read-only: ${source.readOnly})`;
  if (options.flag('json')) terminal.print(JSON.stringify({ url }));
  else terminal.print(`Console of ${source.name}${mode}: ${url}`, 'Ctrl-C ends it.');
  if (!signal.aborted) await once(signal, 'abort');
  await local.close();
  return ExitCode.Done;
}
