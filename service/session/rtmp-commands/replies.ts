import { encodeAmf0 } from '../../protocol/amf/amf0-encode';
import type { AmfValue } from '../../protocol/amf/amf-value';
import { ChunkStreamId, encodeMessage } from '../../protocol/chunk/chunk-writer';
import { MessageType } from '../../protocol/message-types';

/** Status codes this server sends (RTMP 1.0 section 7.2.2, and others that encoders know from FMS). */
export type StatusCode =
  | 'NetStream.Publish.Start'
  | 'NetStream.Publish.BadName'
  | 'NetStream.Publish.Denied'
  | 'NetStream.Publish.BadConnection'
  | 'NetStream.Unpublish.Success'
  | 'NetStream.Play.Reset'
  | 'NetStream.Play.Start'
  | 'NetStream.Play.Stop'
  | 'NetStream.Play.BadName'
  | 'NetStream.Play.BadConnection'
  | 'NetStream.Play.Failed'
  | 'NetStream.Play.UnpublishNotify'
  | 'NetStream.Pause.Notify'
  | 'NetStream.Unpause.Notify'
  | 'NetConnection.Connect.Success'
  | 'NetConnection.Connect.Rejected'
  | 'NetConnection.Connect.ReconnectRequest'
  | 'NetConnection.Connect.Closed';

export type StatusLevel = 'status' | 'error';

/** An answer or a call to the client in chunk-encoded form, always in AMF0. */
export function commandMessage(streamId: number, values: readonly AmfValue[], chunkSize: number): Buffer {
  return encodeMessage(ChunkStreamId.Command, 0, MessageType.CommandAmf0, streamId, encodeAmf0(values), chunkSize);
}

export function statusMessage(
  streamId: number,
  level: StatusLevel,
  code: StatusCode,
  description: string,
  chunkSize: number,
): Buffer {
  const info = new Map<string, AmfValue>([
    ['code', code],
    ['description', description],
    ['level', level],
  ]);
  return commandMessage(streamId, ['onStatus', 0, null, info], chunkSize);
}

/** Tells players that access to the samples is not restricted, as FMS does after Play.Start. */
export function sampleAccessMessage(streamId: number, chunkSize: number): Buffer {
  const payload = encodeAmf0(['|RtmpSampleAccess', false, false]);
  return encodeMessage(ChunkStreamId.Data, 0, MessageType.DataAmf0, streamId, payload, chunkSize);
}
