import type { z } from 'zod';
import { Access, Login } from './access';
import { Explanation } from './explain';
import { EventQuery } from './figures';
import { EventPage } from './event-page';
import { NodeList } from './node';
import { BlockOrder, CloseOrder, OrderResult } from './order';
import { ForwardOrder, RecordOrder, RemoveOutputOrder } from './output-order';
import { RefusalList } from './refusal-list';
import { StreamDetail, StreamPage } from './stream';
import { StreamQuery } from './stream-query';

/** `open`: everybody. `read`: on loopback, or with the token. `order`: with the token. */
export type OperationAccess = 'open' | 'read' | 'order';

/** One operation of the API. */
export interface Operation {
  readonly method: 'GET' | 'POST';
  /** Below `/api/v1`; names in braces are parameters. */
  readonly path: string;
  readonly access: OperationAccess;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** JSON, unless `media` says otherwise. */
  readonly answer?: z.ZodType;
  readonly media?: string;
}

/** All operations of the API by name. */
export const OPERATIONS = {
  listStreams: {
    method: 'GET',
    path: '/streams',
    access: 'read',
    summary: 'The live streams of the fleet, a page at a time',
    query: StreamQuery,
    answer: StreamPage,
  },
  getStream: {
    method: 'GET',
    path: '/streams/{channel}',
    access: 'read',
    summary: 'One live stream with its health, its last ten minutes and its last events',
    answer: StreamDetail,
  },
  getKeyframe: {
    method: 'GET',
    path: '/streams/{channel}/keyframe',
    access: 'read',
    summary: 'Headers and newest keyframe of a live stream, as an FLV file',
    media: 'video/x-flv',
  },
  watchStream: {
    method: 'GET',
    path: '/streams/{channel}/live.flv',
    access: 'read',
    summary: 'A live stream, as FLV until it ends, without its key: for a look at it. Counts as a player',
    media: 'video/x-flv',
  },
  explainChannel: {
    method: 'GET',
    path: '/streams/{channel}/explain',
    access: 'read',
    summary: 'Why a channel is, or is not, live, and what to do',
    answer: Explanation,
  },
  listNodes: { method: 'GET', path: '/nodes', access: 'read', summary: 'The nodes of the fleet', answer: NodeList },
  listRefusals: {
    method: 'GET',
    path: '/refusals',
    access: 'read',
    summary: 'What was refused in the last two hours, by channel and client',
    answer: RefusalList,
  },
  followEvents: {
    method: 'GET',
    path: '/events',
    access: 'read',
    summary:
      'What happens in the fleet, as server-sent events; with "Accept: application/json" the events that nodes still have',
    query: EventQuery,
    answer: EventPage,
    media: 'text/event-stream',
  },
  endStream: {
    method: 'POST',
    path: '/streams/{channel}/end',
    access: 'order',
    summary: 'Ends the stream of a channel; its publisher may come back',
    answer: OrderResult,
  },
  closeStream: {
    method: 'POST',
    path: '/streams/{channel}/close',
    access: 'order',
    summary: 'Ends the stream of a channel if it has this stream id',
    body: CloseOrder,
    answer: OrderResult,
  },
  blockChannel: {
    method: 'POST',
    path: '/streams/{channel}/block',
    access: 'order',
    summary: 'Ends the stream of a channel and keeps publishers out for a time',
    body: BlockOrder,
    answer: OrderResult,
  },
  unblockChannel: {
    method: 'POST',
    path: '/streams/{channel}/unblock',
    access: 'order',
    summary: 'Lets publishers in again',
    answer: OrderResult,
  },
  forwardStream: {
    method: 'POST',
    path: '/streams/{channel}/forward',
    access: 'order',
    summary: 'Forwards a live stream to one more target, until it ends',
    body: ForwardOrder,
    answer: OrderResult,
  },
  recordStream: {
    method: 'POST',
    path: '/streams/{channel}/record',
    access: 'order',
    summary: 'Starts to record a live stream',
    body: RecordOrder,
    answer: OrderResult,
  },
  stopRecording: {
    method: 'POST',
    path: '/streams/{channel}/stop-recording',
    access: 'order',
    summary: 'Ends the recordings of a live stream; the stream continues',
    answer: OrderResult,
  },
  removeOutput: {
    method: 'POST',
    path: '/streams/{channel}/remove-output',
    access: 'order',
    summary: 'Ends one output of a live stream; the stream continues',
    body: RemoveOutputOrder,
    answer: OrderResult,
  },
  drainNode: {
    method: 'POST',
    path: '/nodes/{node}/drain',
    access: 'order',
    summary: 'Drains a node and ends it, without ending streams that can move',
    answer: OrderResult,
  },
  getAccess: {
    method: 'GET',
    path: '/access',
    access: 'open',
    summary: 'What this client may do',
    answer: Access,
  },
  logIn: {
    method: 'POST',
    path: '/login',
    access: 'open',
    summary: 'Exchanges OPERATOR_TOKEN for a cookie that scripts of a page cannot read',
    body: Login,
    answer: Access,
  },
  logOut: { method: 'POST', path: '/logout', access: 'open', summary: 'Ends the login of this client', answer: Access },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;
