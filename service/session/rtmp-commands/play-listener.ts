import type { PlayerListener } from '../../hub/player';
import { userControl, UserControlEvent } from '../../protocol/message/control-messages';
import type { CommandSession } from './command-session';

/** Tells a client about the events of the stream that it plays. */
export class PlayListener implements PlayerListener {
  readonly #session: CommandSession;
  readonly #streamId: number;

  /** @param streamId the message stream that the client plays on */
  constructor(session: CommandSession, streamId: number) {
    this.#session = session;
    this.#streamId = streamId;
  }

  streamBegan(): void {
    this.#session.send(userControl(UserControlEvent.StreamBegin, this.#streamId));
  }

  streamEnded(): void {
    const notice = 'stream is now unpublished.';
    this.#session.sendStatus(this.#streamId, 'status', 'NetStream.Play.UnpublishNotify', notice);
    this.#session.send(userControl(UserControlEvent.StreamEof, this.#streamId));
  }

  keyRefused(): void {
    this.#session.refuse(this.#streamId, 'NetStream.Play.BadName', 'Wrong stream key');
  }

  tooSlow(reason: string): void {
    this.#session.context.traffic.slowPlayersDisconnected += 1;
    this.#session.close('too_slow', reason);
  }
}
