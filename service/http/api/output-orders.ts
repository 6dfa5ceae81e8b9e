import type { FleetView } from './fleet-view';
import type { OrderName, OrderResult } from './schemas/order';
import type { OutputOrder } from './schemas/output-order';

const NAMES: Readonly<Record<OutputOrder['does'], OrderName>> = {
  addForward: 'forward',
  startRecording: 'record',
  stopRecording: 'stopRecording',
  remove: 'removeOutput',
};

/** Gives an order about the outputs of a stream to the node that has its publisher, and says what it did. */
export async function giveOutputOrder(fleet: FleetView, channel: string, order: OutputOrder): Promise<OrderResult> {
  const { answers, unanswered } = await fleet.ask({ ask: 'output', channel, order });
  const here = answers.filter(({ answer }) => answer.isHere);
  // A stream that moves is on two nodes for a moment.
  const told = here.find(({ answer }) => answer.acted) ?? here[0];
  const silent = unanswered.length === 0 ? '' : ` ${unanswered.length} nodes did not answer.`;
  return {
    order: NAMES[order.does],
    target: channel,
    done: told?.answer.acted === true,
    sentence: told?.answer.detail ?? `No stream is live on the channel ${channel}.${silent}`,
    nodes: answers.map(({ node, answer: { acted, detail } }) => ({ node, acted, detail })),
    unanswered,
  };
}
