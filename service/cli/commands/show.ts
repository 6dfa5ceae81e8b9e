import { setTimeout as sleep } from 'node:timers/promises';
import type { Unanswered } from '../../http/api/schemas/common';
import { REGISTRY } from '../../http/api/schemas/registry-name';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import { plainText } from '../terminal/plain-text';
import type { FleetContext } from './fleet-context';

const WATCH_MS = 2_000;

/** What a command has to show: for people, and for programs. */
export interface Shown {
  readonly lines: readonly string[];
  readonly json: object;
}

/** Shows something once, or with --watch again and again. */
export async function show(context: FleetContext, look: () => Promise<Shown>): Promise<ExitCode> {
  const { terminal, options, signal } = context;
  const json = options.flag('json');
  if (!options.flag('watch')) {
    if (!json) terminal.progress(`asking ${context.source.name} …`);
    const shown = await look();
    terminal.print(...(json ? [JSON.stringify(shown.json, undefined, 2)] : shown.lines));
    return ExitCode.Done;
  }
  let seen = false;
  while (!signal.aborted) {
    try {
      const shown = await look();
      // One line each, so that programs can read them one by one.
      if (json) terminal.print(JSON.stringify(shown.json));
      else terminal.redraw(shown.lines);
      seen = true;
    } catch (error) {
      // What was there a moment ago may come back: a stream, a node that restarts.
      if (!seen || !(error instanceof CommandFailure)) throw error;
      if (json) terminal.complain(plainText(error.message));
      else terminal.redraw([plainText(error.message)]);
    }
    await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
  }
  return ExitCode.Done;
}

/** Lines about nodes whose part of an answer is missing. */
export function missingLines(unanswered: readonly Unanswered[], { terminal }: FleetContext): string[] {
  return unanswered.map(({ node, reason }) =>
    terminal.paint(
      plainText(`${node === REGISTRY ? 'Nodes are missing' : `Node ${node} does not answer`}: ${reason}`),
      'yellow',
    ),
  );
}
