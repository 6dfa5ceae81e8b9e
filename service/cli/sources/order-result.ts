import type { OrderResult } from '../../http/api/schemas/order';
import type { Command } from '../../operators/command-parser';
import type { ReadAnswer } from '../../operators/read-request';
import type { CommandOrder } from './fleet-source';

/** What nodes said to a command. */
export interface CommandReplies {
  /** Of the nodes that acted; undefined: replies could not be received. */
  readonly replies: readonly { readonly node: string; readonly detail: string }[] | undefined;
  /** How many nodes replied. */
  readonly answered: number;
  /** Registered nodes that did not reply. */
  readonly silent: readonly string[];
}

/** The order as a command of the command channel. */
export function commandOf(order: CommandOrder): Command {
  switch (order.order) {
    case 'end':
      return { verb: 'kill-session', channel: order.channel };
    case 'close':
      return { verb: 'close-stream', channel: order.channel, streamIds: [order.streamId] };
    case 'block':
      return { verb: 'block', channel: order.channel, seconds: order.seconds };
    case 'unblock':
      return { verb: 'unblock', channel: order.channel };
    case 'drain':
      return { verb: 'drain', node: order.node };
  }
}

/** The replies as the API's answer to the order. */
export function orderAnswer(order: CommandOrder, { replies, answered, silent }: CommandReplies): ReadAnswer {
  const target = order.order === 'drain' ? order.node : order.channel;
  const nodes = (replies ?? []).map(({ node, detail }) => ({ node, acted: true, detail }));
  // All nodes report a block in the registry; what one did to a stream says more.
  const [longest] = nodes.map(({ detail }) => detail).sort((a, b) => b.length - a.length);
  const result: OrderResult = {
    order: order.order,
    target,
    done: nodes.length > 0 || replies === undefined || answered === 0,
    sentence: longest ?? withoutEffect(order, replies, answered),
    nodes,
    unanswered: silent.map((node) => ({ node, reason: 'no reply in time' })),
  };
  return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify(result)) };
}

function withoutEffect(order: CommandOrder, replies: CommandReplies['replies'], answered: number): string {
  if (replies === undefined) return 'The order was published, but replies could not be received';
  // A node without FLEET carries orders out, but does not reply.
  if (answered === 0) return 'The order was published; no node has replied, as nodes without FLEET do not';
  if (order.order === 'drain') return `No node of the fleet has the id ${order.node}`;
  if (order.order === 'unblock') return `The channel ${order.channel} was not blocked`;
  if (order.order === 'close') return `The channel ${order.channel} has no stream with this id`;
  return `No stream is live on the channel ${order.channel}`;
}
