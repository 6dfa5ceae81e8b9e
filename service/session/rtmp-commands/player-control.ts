import type { CommandMessage } from '../../protocol/message/command-message';
import { userControl, UserControlEvent } from '../../protocol/message/control-messages';
import type { CommandSession } from './command-session';

/** `pause` true or false; also for a player that idles. */
export function pause(session: CommandSession, streamId: number, command: CommandMessage): void {
  const { play } = session.streams;
  if (play === null) return;
  const paused = command.args[0] === true;
  const { player, channel } = play;
  const stream = channel.publication?.stream;
  if (paused) {
    player.paused = true;
    stream?.playerChanged(player);
    session.send(userControl(UserControlEvent.StreamEof, play.streamId));
    session.sendStatus(streamId, 'status', 'NetStream.Pause.Notify', 'Paused live');
    return;
  }
  const resumes = player.paused;
  player.paused = false;
  session.send(userControl(UserControlEvent.StreamBegin, play.streamId));
  if (resumes) stream?.sendHeaders(player);
  session.sendStatus(streamId, 'status', 'NetStream.Unpause.Notify', 'Unpaused live');
  if (resumes) stream?.resumePlayer(player);
}

/** `receiveAudio`: false stops audio for this player only. */
export function receiveAudio(session: CommandSession, _streamId: number, command: CommandMessage): void {
  const { play } = session.streams;
  if (play === null) return;
  play.player.wantsAudio = command.args[0] !== false;
  play.channel.publication?.stream.playerChanged(play.player);
}

/** `receiveVideo`: false stops video for this player only. */
export function receiveVideo(session: CommandSession, _streamId: number, command: CommandMessage): void {
  const { play } = session.streams;
  if (play === null) return;
  play.player.wantsVideo = command.args[0] !== false;
  play.channel.publication?.stream.playerChanged(play.player);
}
