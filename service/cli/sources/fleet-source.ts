import type { OutputOrder } from '../../http/api/schemas/output-order';
import type { ReadAnswer } from '../../operators/read-request';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';

/** An order that the command channel carries, too. */
export type CommandOrder =
  | { readonly order: 'end' | 'unblock'; readonly channel: string }
  | { readonly order: 'close'; readonly channel: string; readonly streamId: string }
  | { readonly order: 'block'; readonly channel: string; readonly seconds: number }
  | { readonly order: 'drain'; readonly node: string };

/** An order about the outputs of a stream. */
export interface StreamOutputOrder {
  readonly order: 'output';
  readonly channel: string;
  readonly wants: OutputOrder;
}

/** An order to the fleet. */
export type FleetOrder = CommandOrder | StreamOutputOrder;

/**
 * The order, if the command channel carries it: addresses of targets contain keys, and whoever is on the channel reads
 * all commands.
 *
 * @throws CommandFailure
 */
export function commandOrder(order: FleetOrder): CommandOrder {
  if (order.order !== 'output') return order;
  throw new CommandFailure(
    ExitCode.Failed,
    'Outputs can be ordered from a node alone: use --node http://HOST:HTTP_PORT',
  );
}

/** One message of the event stream, as server-sent events have it. */
export interface FeedMessage {
  /** A type of event, or `figures`. */
  readonly name: string;
  readonly id?: string | undefined;
  /** JSON */
  readonly data: string;
}

export interface FeedQuery {
  readonly channel?: string | undefined;
  /** Adds the figures of all streams every few seconds. */
  readonly figures: boolean;
  /** Sends events since this one; default: only new ones. */
  readonly lastId?: string | undefined;
}

/** A way to reach the fleet: a node's address, Redis, or AWS. Each gives the operators' API. */
export interface FleetSource {
  /** Of the fleet, for messages: `the node at http://127.0.0.1:8080`. */
  readonly name: string;
  /** Whether orders are possible, as far as is known; if not, why. */
  readonly readOnly: string | undefined;
  /**
   * Reads a path of the API below `/api/v1`, such as `/streams?limit=100`.
   *
   * @throws CommandFailure when the fleet cannot be reached
   */
  read(path: string): Promise<ReadAnswer>;
  /** @returns an OrderResult, or a problem. @throws CommandFailure when the fleet cannot be reached */
  order(order: FleetOrder): Promise<ReadAnswer>;
  /** Follows the events until `signal` aborts. @throws CommandFailure when the fleet cannot be reached at the start */
  follow(query: FeedQuery, signal: AbortSignal): AsyncIterable<FeedMessage>;
  /** Reads an answer without an end, such as a live stream; absent where that is not possible. */
  readonly watch?: (path: string, signal: AbortSignal) => Promise<LiveAnswer>;
  close(): void;
}

/** An answer whose body comes as it is made. */
export interface LiveAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array>;
}

/** The path and the body of an order below `/api/v1`. */
export function orderRequest(order: FleetOrder): { readonly path: string; readonly body: object } {
  if (order.order === 'drain') return { path: `/nodes/${encodeURIComponent(order.node)}/drain`, body: {} };
  const stream = `/streams/${encodeURIComponent(order.channel)}`;
  if (order.order === 'output') return outputRequest(stream, order.wants);
  const path = `${stream}/${order.order}`;
  if (order.order === 'close') return { path, body: { streamId: order.streamId } };
  return { path, body: order.order === 'block' ? { seconds: order.seconds } : {} };
}

function outputRequest(stream: string, wants: OutputOrder): { readonly path: string; readonly body: object } {
  switch (wants.does) {
    case 'addForward':
      return { path: `${stream}/forward`, body: { url: wants.url } };
    case 'startRecording':
      return { path: `${stream}/record`, body: wants.formats === undefined ? {} : { formats: wants.formats } };
    case 'stopRecording':
      return { path: `${stream}/stop-recording`, body: {} };
    case 'remove':
      return { path: `${stream}/remove-output`, body: { output: wants.id } };
  }
}
