import type { CommandMessage } from '../../protocol/message/command-message';
import { asString } from '../../protocol/message/command-message';
import type { CommandSession } from './command-session';

/** `_result` without a value, for clients that wait for one. A transaction id of 0 asks for no answer. */
export function answerResult(session: CommandSession, _streamId: number, command: CommandMessage): void {
  if (command.transactionId > 0) session.sendCommand(0, ['_result', command.transactionId, null, undefined]);
}

export function answerNothing(): void {}

/**
 * An unknown command gets the empty answer that some clients wait for. A command that begins with `@` gets an error: on
 * a `_result`, the sender of an `@publish` would believe that it publishes.
 */
export function answerUnknown(session: CommandSession, streamId: number, command: CommandMessage): void {
  if (!command.name.startsWith('@')) {
    answerResult(session, streamId, command);
    return;
  }
  const info = new Map([
    ['code', 'NetConnection.Call.Failed'],
    ['description', 'Unknown command'],
    ['level', 'error'],
  ]);
  session.sendCommand(streamId, ['_error', command.transactionId, null, info]);
}

/** FCPublish: FMLE and similar encoders wait for onFCPublish, some of them with the transaction id. */
export function announceStream(session: CommandSession, streamId: number, command: CommandMessage): void {
  answerResult(session, streamId, command);
  sendFcStatus(session, command, 'onFCPublish', 'NetStream.Publish.Start');
}

/** FCUnpublish announces the end of a publish; deleteStream, closeStream or the end of the connection ends it. */
export function announceUnpublish(session: CommandSession, streamId: number, command: CommandMessage): void {
  session.announceUnpublish();
  answerResult(session, streamId, command);
}

/** FCSubscribe: players for CDNs send it before `play`. */
export function subscribe(session: CommandSession, streamId: number, command: CommandMessage): void {
  answerResult(session, streamId, command);
  sendFcStatus(session, command, 'onFCSubscribe', 'NetStream.Play.Start');
}

/** getStreamLength: a live stream has no length. */
export function answerStreamLength(session: CommandSession, _streamId: number, command: CommandMessage): void {
  if (command.transactionId > 0) session.sendCommand(0, ['_result', command.transactionId, null, 0]);
}

function sendFcStatus(session: CommandSession, command: CommandMessage, name: string, code: string): void {
  if (command.transactionId <= 0) return;
  const info = new Map([
    ['code', code],
    ['description', asString(command.args[0]) ?? ''],
    ['level', 'status'],
  ]);
  session.sendCommand(0, [name, command.transactionId, null, info]);
}
