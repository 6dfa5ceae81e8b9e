import type { Explanation } from '../../http/api/schemas/explain';
import type { ExitCode } from '../command-line/exit-codes';
import { plainText } from '../terminal/plain-text';
import type { Colour } from '../terminal/paint';
import type { FleetContext } from './fleet-context';
import { missingLines, show } from './show';
import { HEALTH_COLOURS, healthText, orUnknown, timeText } from './words';

const LAST_REFUSALS = 5;

const COLOURS: Readonly<Record<Explanation['verdict'], Colour>> = {
  live: 'green',
  held: 'yellow',
  starting: 'yellow',
  blocked: 'red',
  refused: 'red',
  idle: 'yellow',
};

/** `explain CHANNEL` */
export async function explainCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, args } = context;
  const [channel = ''] = args;
  return show(context, async () => {
    const explanation = await fleet.explain(channel);
    return { json: explanation, lines: describe(explanation, context) };
  });
}

function describe(explanation: Explanation, context: FleetContext): string[] {
  const { paint } = context.terminal;
  const { channel, verdict, sentence, holder, refusals, advice, unanswered } = explanation;
  const now = new Date();
  const lines = [`${paint(plainText(channel), 'bold')}: ${paint(verdict, COLOURS[verdict])}. ${plainText(sentence)}`];
  if (holder !== null) {
    const { node, streamId, address, encoder, health } = holder;
    const who = `${orUnknown(address)}${encoder === null || encoder === '' ? '' : ` (${encoder})`}`;
    lines.push(plainText(`  publisher ${who} on node ${node}, stream id ${orUnknown(streamId)}`));
    if (health !== null) lines.push(`  health ${paint(plainText(healthText(health)), HEALTH_COLOURS[health.state])}`);
  }
  if (refusals.length > 0) lines.push('', paint('refused lately', 'dim'));
  for (const refusal of refusals.slice(0, LAST_REFUSALS)) {
    const { lastAt, sentence: what, node, reason } = refusal;
    lines.push(plainText(`  ${timeText(lastAt, now)}  ${what}; told: ${reason} [node ${node}]`));
  }
  if (advice.length > 0) lines.push('', paint('what to do', 'dim'), ...advice.map((text) => plainText(`  ${text}`)));
  return [...lines, ...missingLines(unanswered, context)];
}
