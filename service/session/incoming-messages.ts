import { discardingSink, type PayloadSink } from '../protocol/chunk/payload-sink';
import { splitAggregate } from '../protocol/message/aggregate';
import { decodeCommand } from '../protocol/message/command-message';
import { userControl, UserControlEvent } from '../protocol/message/control-messages';
import { readDataMessage } from '../protocol/message/data-message';
import { MessageType, type MessageHeader } from '../protocol/message-types';
import { ProtocolError } from '../protocol/protocol-errors';
import type { ByteIntake, TurnTaker } from './byte-intake';
import type { CommandSession } from './rtmp-commands/command-session';
import { rejectConnect } from './rtmp-commands/connect';
import { dispatchCommand } from './rtmp-commands/dispatch';
import { SessionBudget } from './session-budget';
import type { SessionContext } from './session-context';
import type { SessionDeadlines } from './session-deadlines';
import type { SessionPhase } from './session-state';

/**
 * Commands, data and control messages of a publisher are collected as a whole; no ordinary message comes near this
 * size.
 */
const MAX_COLLECTED_BYTES = 1024 * 1024;
/** Messages of a publisher that are handled at a time; then other connections are served first. */
const MESSAGES_PER_TURN = 2_000;

/** The session whose client's messages are handled. */
export interface MessageSession extends CommandSession {
  readonly context: SessionContext;
  readonly deadlines: SessionDeadlines;
  readonly phase: SessionPhase;
  readonly intake: ByteIntake;
}

/**
 * Handles the messages of one client: media and data go to the stream that it publishes, commands to their handlers.
 * Limits the work that a client causes.
 */
export class IncomingMessages implements TurnTaker {
  readonly #session: MessageSession;
  readonly #budget: SessionBudget;
  /** Messages since other connections were served. */
  #messagesInTurn = 0;

  constructor(session: MessageSession) {
    this.#session = session;
    this.#budget = new SessionBudget(session.context.now());
  }

  /** The client was accepted to publish: it may cause more work. */
  trust(): void {
    this.#budget.widen();
  }

  beginTurn(): void {
    this.#messagesInTurn = 0;
  }

  openMessage(header: MessageHeader): PayloadSink | null {
    const { typeId } = header;
    if (typeId === MessageType.Audio || typeId === MessageType.Video) {
      const { streams, deadlines } = this.#session;
      const { publishing } = streams;
      if (publishing === null || header.length === 0 || streams.wasRefused(header.streamId)) {
        this.#payFor(header);
        return discardingSink;
      }
      deadlines.gotMedia();
      this.#takeTurn();
      return publishing.inlet.openMedia(typeId, header.timestamp, header.length);
    }
    this.#payFor(header);
    this.#takeTurn();
    if (header.length > MAX_COLLECTED_BYTES) {
      throw new ProtocolError('message_too_large', `message of type ${typeId} has ${header.length} bytes`);
    }
    return null;
  }

  message(header: MessageHeader, payload: Buffer): void {
    // Some encoders send empty messages of any type.
    if (this.#session.isClosed || payload.length === 0) return;
    switch (header.typeId) {
      case MessageType.CommandAmf0:
      case MessageType.CommandAmf3:
        this.#command(header, payload);
        break;
      case MessageType.DataAmf0:
      case MessageType.DataAmf3:
        this.#data(header, payload);
        break;
      case MessageType.Aggregate:
        this.#aggregate(header, payload);
        break;
      case MessageType.UserControl:
        this.#userControl(payload);
        break;
      case MessageType.WindowAckSize:
        if (payload.length >= 4) this.#session.intake.acknowledgeEach(payload.readUInt32BE(0));
        break;
      default:
        // Acknowledgements, peer bandwidth, shared objects and unknown types need no action.
        break;
    }
  }

  #command({ typeId, streamId }: MessageHeader, payload: Buffer): void {
    const session = this.#session;
    const command = decodeCommand(typeId, payload);
    if (command !== undefined) {
      session.log.debug('command', { name: command.name, phase: session.phase });
      if (!this.#budget.payForCommand(command.name, session.deadlines.heardAt)) overspent();
      dispatchCommand(session, streamId, command);
    } else if (session.state.phase === 'connecting') rejectConnect(session, 0, 'The first command cannot be read');
    else session.context.traffic.ignoredCommands += 1;
  }

  #data(header: MessageHeader, payload: Buffer): void {
    const { publishing } = this.#session.streams;
    if (publishing === null || this.#session.streams.wasRefused(header.streamId)) return;
    const data = readDataMessage(header.typeId, payload);
    if (data === undefined) this.#session.context.traffic.ignoredData += 1;
    else publishing.inlet.appendData(header.timestamp, data);
  }

  #aggregate(header: MessageHeader, payload: Buffer): void {
    const session = this.#session;
    if (session.streams.wasRefused(header.streamId)) return;
    splitAggregate(header.timestamp, payload, (typeId, timestamp, part) => {
      const { publishing } = session.streams;
      if (publishing === null || part.length === 0) return;
      if (typeId === MessageType.Audio || typeId === MessageType.Video) {
        session.deadlines.gotMedia();
        this.#messagesInTurn += 1;
        publishing.inlet.appendMedia(typeId, timestamp, part);
      } else if (typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3) {
        this.#data({ typeId, timestamp, length: part.length, streamId: header.streamId }, part);
      }
    });
    if (this.#messagesInTurn >= MESSAGES_PER_TURN && !session.isClosed && !session.intake.isHalted)
      session.intake.endTurn();
  }

  #userControl(payload: Buffer): void {
    if (payload.length < 6) return;
    if (payload.readUInt16BE(0) === UserControlEvent.PingRequest) {
      this.#session.send(userControl(UserControlEvent.PingResponse, payload.readUInt32BE(2)));
    }
  }

  #payFor({ typeId, length }: MessageHeader): void {
    // A publisher's aggregate is media, and its parts count as messages of this turn.
    if (typeId === MessageType.Aggregate && this.#session.streams.publishing !== null) return;
    if (!this.#budget.payForMessage(typeId, length, this.#session.deadlines.heardAt)) overspent();
  }

  #takeTurn(): void {
    this.#messagesInTurn += 1;
    if (this.#messagesInTurn === MESSAGES_PER_TURN) this.#session.intake.endTurn();
  }
}

function overspent(): never {
  throw new ProtocolError('over_budget', 'More was asked than one connection may ask');
}
