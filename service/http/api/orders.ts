import type { FleetView } from './fleet-view';
import type { OrderName, OrderResult } from './schemas/order';

/** Gives an operator's command to all nodes, and says what it did. */
export async function giveOrder(
  fleet: FleetView,
  order: OrderName,
  target: string,
  text: string,
): Promise<OrderResult> {
  const { answers, unanswered } = await fleet.ask({ ask: 'order', text });
  const nodes = answers.map(({ node, answer }) => ({ node, ...answer }));
  const acted = nodes.filter((each) => each.acted);
  // All nodes report the effect on the registry; what one did to a stream says more.
  const said = acted.map(({ detail }) => detail).sort((a, b) => b.length - a.length)[0];
  return {
    order,
    target,
    done: acted.length > 0,
    sentence: said ?? noEffect(order, target, unanswered.length),
    nodes,
    unanswered,
  };
}

function noEffect(order: OrderName, target: string, unanswered: number): string {
  const silent = unanswered === 0 ? '' : ` ${unanswered} nodes did not answer and may have missed the order.`;
  if (order === 'drain') return `No node of the fleet has the id ${target}.${silent}`;
  if (order === 'unblock') return `The channel ${target} was not blocked.${silent}`;
  if (order === 'close') return `The channel ${target} has no stream with this id.${silent}`;
  return `No stream is live on the channel ${target}.${silent}`;
}
