import { MessageType, UserControl } from '../../support/rtmp/wire-builder';
import type { ReceivedMessage } from '../../support/rtmp/wire-reader';

export function remove<T>(list: T[], element: T): void {
  const at = list.indexOf(element);
  if (at >= 0) list.splice(at, 1);
}

/** Whether it is the user control message of this kind, with this value. */
export function isControl(message: ReceivedMessage, event: keyof typeof UserControl, value?: number): boolean {
  const { type, payload } = message;
  if (type !== MessageType.userControl || payload.length < 6) return false;
  if (payload.readUInt16BE(0) !== UserControl[event]) return false;
  return value === undefined || payload.readUInt32BE(2) === value;
}

/** The number in a protocol control message. */
export function isNumber({ type, payload }: ReceivedMessage, wanted: number, value: number): boolean {
  return type === wanted && payload.length >= 4 && payload.readUInt32BE(0) === value;
}

/** Level, code and description of an `onStatus`; undefined for other messages. */
export function statusOf({
  command,
}: ReceivedMessage): { level: string; code: string; description: string } | undefined {
  if (command?.name !== 'onStatus') return undefined;
  return command.args[1] as unknown as { level: string; code: string; description: string };
}

/** A message for failures. */
export function inWords(message: ReceivedMessage): string {
  const { type, streamId, timestamp, payload, command, data } = message;
  const status = statusOf(message);
  if (status !== undefined) return `${status.level} ${status.code} on stream ${streamId} (${status.description})`;
  if (command !== undefined) return `${command.name}(${command.transactionId}) ${JSON.stringify(command.args)}`;
  if (data !== undefined) return `data ${JSON.stringify(data)} on stream ${streamId}`;
  const content = type === MessageType.audio || type === MessageType.video ? payload.toString('latin1', 0, 40) : '';
  const text = content === '' ? payload.toString('hex').slice(0, 40) : content.replace(/[^\x20-\x7e]+/g, '.');
  return `type ${type} on stream ${streamId} at ${timestamp}: ${text}`;
}
