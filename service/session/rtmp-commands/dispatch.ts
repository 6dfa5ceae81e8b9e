import type { CommandMessage } from '../../protocol/message/command-message';
import type { CommandSession } from './command-session';
import { connect, rejectConnect } from './connect';
import { closeStream, createStream, deleteStream } from './stream-lifetime';
import { pause, receiveAudio, receiveVideo } from './player-control';
import { play } from './play';
import { publish } from './publish';
import {
  announceStream,
  announceUnpublish,
  answerNothing,
  answerResult,
  answerStreamLength,
  answerUnknown,
  subscribe,
} from './courtesies';

/** Executes one command; `streamId` is the message stream it came on. */
export type CommandHandler = (session: CommandSession, streamId: number, command: CommandMessage) => void;

const HANDLERS: ReadonlyMap<string, CommandHandler> = new Map<string, CommandHandler>([
  ['connect', connect],
  ['createStream', createStream],
  ['deleteStream', deleteStream],
  ['closeStream', closeStream],
  ['publish', publish],
  ['play', play],
  ['pause', pause],
  ['pauseRaw', pause],
  ['receiveAudio', receiveAudio],
  ['receiveVideo', receiveVideo],
  ['releaseStream', answerResult],
  ['FCPublish', announceStream],
  ['FCUnpublish', announceUnpublish],
  ['FCSubscribe', subscribe],
  ['_checkbw', answerResult],
  ['getStreamLength', answerStreamLength],
  // Answers to calls of a server; this server makes no calls.
  ['_result', answerNothing],
  ['_error', answerNothing],
  ['onStatus', answerNothing],
]);

/** Before `connect`, any other command is refused, also one with a similar name; answers are ignored. */
export function dispatchCommand(session: CommandSession, streamId: number, command: CommandMessage): void {
  const handler = HANDLERS.get(command.name) ?? answerUnknown;
  if (session.state.phase !== 'connecting' || handler === connect || handler === answerNothing) {
    handler(session, streamId, command);
  } else {
    rejectConnect(session, command.transactionId, 'The first command must be connect');
  }
}
