import type { Node } from '../../http/api/schemas/node';
import type { ExitCode } from '../command-line/exit-codes';
import { type Column, table } from '../terminal/table';
import type { FleetContext } from './fleet-context';
import { missingLines, show } from './show';
import { bytes, fillText, orUnknown, rate } from './words';

const COLUMNS: readonly Column<Node>[] = [
  { title: 'NODE', text: ({ id }) => id, minWidth: 12 },
  { title: 'STATE', text: stateOf, minWidth: 8, colour: (node) => (stateOf(node) === 'ready' ? 'green' : 'yellow') },
  { title: 'STREAMS', text: fillText, align: 'right' },
  { title: 'PLAYERS', text: ({ players }) => orUnknown(players), align: 'right' },
  { title: 'CPU', text: ({ load }) => (load === null ? '-' : `${Math.round(load.cpu * 100)}%`), align: 'right' },
  { title: 'MEMORY', text: ({ load }) => memory(load), align: 'right', leaveOut: 2 },
  { title: 'IN', text: ({ load }) => (load === null ? '-' : rate(load.inKbps)), align: 'right', leaveOut: 3 },
  { title: 'OUT', text: ({ load }) => (load === null ? '-' : rate(load.outKbps)), align: 'right', leaveOut: 3 },
  {
    title: 'DELAY',
    text: ({ load }) => (load === null ? '-' : `${Math.round(load.eventLoopDelayMs)} ms`),
    align: 'right',
    leaveOut: 4,
  },
  { title: 'PROTECTED', text: ({ protected: kept }) => (kept === null ? '-' : kept ? 'yes' : 'no'), leaveOut: 5 },
  { title: 'VERSION', text: ({ version }) => orUnknown(version), leaveOut: 1 },
  { title: 'HOST', text: ({ host }) => host, leaveOut: 6 },
];

/** `nodes` */
export async function nodesCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, terminal } = context;
  return show(context, async () => {
    const list = await fleet.nodes();
    const lines = table(list.nodes, COLUMNS, terminal.paint, terminal.width);
    return { json: list, lines: [...lines, ...missingLines(list.unanswered, context)] };
  });
}

function stateOf({ reachable, draining, ready, reason }: Node): string {
  if (!reachable) return `silent: ${reason ?? 'no answer'}`;
  if (draining) return 'draining';
  return ready === false ? `not ready: ${reason ?? ''}` : 'ready';
}

function memory(load: Node['load']): string {
  return load === null ? '-' : `${bytes(load.memoryBytes)} of ${bytes(load.memoryBudgetBytes)}`;
}
