import type { ChannelStanding } from '../../leases/channel-standing';
import { type Command, commandText } from '../../operators/command-parser';
import type { FleetView } from './fleet-view';
import { REGISTRY } from './schemas/registry-name';
import type { OrderName, OrderResult } from './schemas/order';

/** A command that the API gives. */
type Order = Extract<Command, { readonly channel: string } | { readonly verb: 'drain' }>;

/** Gives an operator's command to all nodes, and says what it did. */
export async function giveOrder(fleet: FleetView, order: OrderName, command: Order): Promise<OrderResult> {
  const isOfChannel = 'channel' in command;
  // The first node that hears the command ends the stream, wherever it is: its own node may find it ended already.
  const ended = isOfChannel && isEndedBy(command, await fleet.machine.standing(command.channel));
  const { answers, unanswered } = await fleet.ask({ ask: 'order', text: commandText(command) });
  const nodes = answers.map(({ node, answer }) => ({ node, ...answer }));
  const acted = nodes.filter((each) => each.acted);
  // All nodes report the effect on the registry; what one did to a stream says more.
  const said = acted.map(({ detail }) => detail).sort((a, b) => b.length - a.length)[0];
  const target = isOfChannel ? command.channel : command.node;
  // The registry passes the order on to nodes that cannot be asked by HTTP.
  const passedOn = !isOfChannel && acted.length === 0 && unanswered.some(({ node }) => isOf(target, node));
  const effect = ended ? 'publisher disconnected' : passedOn ? passedOnTo(target) : undefined;
  return {
    order,
    target,
    done: acted.length > 0 || ended || passedOn,
    sentence: said ?? effect ?? noEffect(order, target, unanswered.length),
    nodes,
    unanswered,
  };
}

function isEndedBy(command: Exclude<Order, { readonly verb: 'drain' }>, { owner }: ChannelStanding): boolean {
  if (owner === null || owner.state === 'starting' || command.verb === 'unblock') return false;
  return command.verb !== 'close-stream' || command.streamIds.includes(owner.streamId);
}

/** Whether the target is this node, or the machine of whose workers it is one. */
function isOf(target: string, node: string): boolean {
  return node !== REGISTRY && (node === target || node.startsWith(`${target}.`));
}

function passedOnTo(target: string): string {
  return `${target} did not answer; the order reaches it through the registry`;
}

function noEffect(order: OrderName, target: string, unanswered: number): string {
  const silent = unanswered === 0 ? '' : ` ${unanswered} nodes did not answer and may have missed the order.`;
  if (order === 'drain') return `No node of the fleet has the id ${target}.${silent}`;
  if (order === 'unblock') return `The channel ${target} was not blocked.${silent}`;
  if (order === 'close') return `The channel ${target} has no stream with this id.${silent}`;
  return `No stream is live on the channel ${target}.${silent}`;
}
