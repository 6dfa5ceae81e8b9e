/** A defect that the fuzzer has to find: one change of the server's source. */
export interface Defect {
  readonly name: string;
  readonly file: string;
  /** Occurs once in the file. */
  readonly search: string;
  readonly replace: string;
  /** It is found within some schedules, so it is looked for with every run of the tests. */
  readonly isCommon?: boolean;
}

const SESSION = 'service/session';
const COMMANDS = `${SESSION}/rtmp-commands`;

export const DEFECTS: readonly Defect[] = [
  {
    name: 'a publish is accepted before connect',
    isCommon: true,
    file: `${COMMANDS}/dispatch.ts`,
    search: "if (session.state.phase !== 'connecting' || handler",
    replace: "if (session.state.phase !== 'closed' || handler",
  },
  {
    name: 'a connection publishes twice',
    isCommon: true,
    file: `${COMMANDS}/publish.ts`,
    search: 'if (streams.publish !== null || streams.play?.streamId === streamId) {',
    replace: 'if (streams.play?.streamId === streamId) {',
  },
  {
    name: 'a connection plays twice',
    file: `${COMMANDS}/play.ts`,
    search: 'if (streams.play !== null || streams.publish?.streamId === streamId) {',
    replace: 'if (streams.publish?.streamId === streamId) {',
  },
  {
    name: 'media of a refused publish is mixed into the live one',
    file: `${SESSION}/incoming-messages.ts`,
    search: 'if (publishing === null || header.length === 0 || streams.wasRefused(header.streamId)) {',
    replace: 'if (publishing === null || header.length === 0) {',
  },
  {
    name: 'metadata of a refused publish is mixed into the live one',
    isCommon: true,
    file: `${SESSION}/incoming-messages.ts`,
    search: 'if (publishing === null || this.#session.streams.wasRefused(header.streamId)) return;',
    replace: 'if (publishing === null) return;',
  },
  {
    name: 'an aggregate of a refused publish is mixed into the live one',
    isCommon: true,
    file: `${SESSION}/incoming-messages.ts`,
    search: 'if (session.streams.wasRefused(header.streamId)) return;',
    replace: '',
  },
  {
    name: 'a player gets the header before the newest one, whatever it starts with',
    file: 'service/hub/stream-config.ts',
    search: 'this.#replaced.find(',
    replace: 'this.#replaced.findLast(',
  },
  {
    name: 'pings are not answered',
    file: `${SESSION}/incoming-messages.ts`,
    search: 'if (payload.readUInt16BE(0) === UserControlEvent.PingRequest) {',
    replace: 'if (payload.readUInt16BE(0) === UserControlEvent.PingResponse) {',
  },
  {
    name: 'message streams count from 0',
    file: `${COMMANDS}/stream-lifetime.ts`,
    search: 'null, session.streams.created]',
    replace: 'null, session.streams.created - 1]',
  },
  {
    name: 'commands of AMF3 are not read',
    file: 'service/protocol/message/command-message.ts',
    search: 'return amf3 && payload[0] === 0 ? 1 : 0;',
    replace: 'return 0;',
  },
  {
    name: 'what comes while a publish is undecided is lost',
    isCommon: true,
    file: `${SESSION}/byte-intake.ts`,
    search: 'this.#keepLeftover(source.subarray(start, end));',
    replace: '',
  },
  {
    name: 'bytes after a publish in one segment are lost',
    file: `${SESSION}/byte-intake.ts`,
    search: 'if (at < end && !this.#session.isClosed) this.#keepLeftover(source.subarray(at, end));',
    replace: '',
  },
  {
    name: 'an Abort is ignored',
    file: 'service/protocol/chunk/chunk-reader.ts',
    search: 'else if (header.typeId === MessageType.Abort) this.#abortNamed(payload);',
    replace: '',
  },
  {
    name: 'a publisher that leaves undecided is forgotten',
    isCommon: true,
    file: `${SESSION}/session.ts`,
    search: 'publish.abort.abort();',
    replace: '',
  },
  {
    name: 'the end of a play leaves the player behind',
    isCommon: true,
    file: `${SESSION}/session.ts`,
    search: 'channel.removePlayer(player);',
    replace: '',
  },
  {
    name: 'players are not told of the end of a stream',
    file: `${COMMANDS}/play-listener.ts`,
    search: "this.#session.sendStatus(this.#streamId, 'status', 'NetStream.Play.UnpublishNotify', notice);",
    replace: 'void notice;',
  },
  {
    name: 'a wrong key plays a live stream',
    isCommon: true,
    file: 'service/hub/channel.ts',
    search: 'return this.#publication === null || this.#publication.admitsKey(key);',
    replace: 'return key !== undefined;',
  },
  {
    name: 'a waiting player with a wrong key gets the stream',
    file: 'service/hub/channel.ts',
    search: 'if (!player.needsNoKey && !admitsKey(player.key)) {',
    replace: 'if (player.key === undefined) {',
  },
  {
    name: 'a displaced publisher is not told',
    file: 'service/hub/channel.ts',
    search: 'if (publisher !== null) this.#changes.note(() => publisher.displaced(reason));',
    replace: 'void [publisher, reason];',
  },
  {
    name: 'late players get no cached start',
    file: 'service/hub/fan-out.ts',
    search: '    if (!(wantsCache && this.#sendCache(player)) &&',
    replace: '    if (!(wantsCache && player.paused && this.#sendCache(player)) &&',
  },
  {
    name: 'a player without the cached start gets video before a keyframe',
    isCommon: true,
    file: 'service/hub/fan-out.ts',
    search: '} else if (!(player.wantsCache && this.#gop.startsAtKeyframe) && this.#hasVideo) {',
    replace: '} else if (player.wantsCache && !this.#gop.startsAtKeyframe && this.#hasVideo) {',
  },
  {
    name: 'video comes back before a keyframe',
    file: 'service/hub/fan-out.ts',
    search: '      if (this.#hasVideo) player.awaitKeyframe(this.#now(), false);',
    replace: '',
  },
  {
    name: 'an ended stream keeps its memory',
    isCommon: true,
    file: 'service/hub/fan-out.ts',
    search: 'this.#log.close(heldFrom);',
    replace: 'void heldFrom;',
  },
  {
    name: 'a pause does not stop the media',
    file: `${COMMANDS}/player-control.ts`,
    search: 'player.paused = true;',
    replace: '',
  },
  {
    name: 'receiveAudio false has no effect',
    file: `${COMMANDS}/player-control.ts`,
    search: 'play.player.wantsAudio = command.args[0] !== false;',
    replace: '',
  },
  {
    name: 'the second publish of a connection does not end',
    file: `${SESSION}/session.ts`,
    search: 'this.#endPublication(publishing, true);',
    replace:
      'const me = this as { ended?: boolean }; if (me.ended !== true) this.#endPublication(publishing, true); me.ended = true;',
  },
  {
    name: 'an accepted start whose publisher has gone gets no stop',
    file: 'service/publishing/answers.ts',
    search:
      'if (!stream || !isSameId(stream.id, out, streamId)) return { life, effects: [stopOfStart(out, streamId)] };',
    replace: 'if (!stream || !isSameId(stream.id, out, streamId)) return { life, effects: [] };',
  },
  {
    name: 'a stream that another one replaces gets no stop',
    file: 'service/publishing/answers.ts',
    search:
      'const effects: LifeEffect[] = formers.filter((each) => each !== former).flatMap((each) => stopsOf(life, each));',
    replace: 'const effects: LifeEffect[] = [];',
  },
  {
    name: 'a kill does not reach publishers that are undecided',
    file: 'service/publishing/endings.ts',
    search: 'if (out && !out.abandoned) effects.push(refuse(out, refusal));',
    replace: '',
  },
  {
    name: 'a block is ignored',
    isCommon: true,
    file: 'service/publishing/step.ts',
    search: 'if (blockedUntil > now) return',
    replace: 'if (blockedUntil < 0) return',
  },
  {
    name: 'an order that is repeated within seconds is ignored',
    isCommon: true,
    file: 'service/leases/memory-lives.ts',
    search: 'if (reports <= given.times) return false;',
    replace: 'if (given.times > 0) return false;',
  },
  {
    name: 'the next publisher is not asked about after a refusal',
    file: 'service/publishing/turns.ts',
    search: 'let next: Candidate | undefined;\n  for',
    replace: 'let next: Candidate | undefined;\n  if (waiting.length > 1) return undefined;\n  for',
  },
  {
    name: 'anybody takes a channel over',
    file: 'service/publishing/step.ts',
    search: 'if (!isSameKey(candidate.keyHash, stream.keyHash)) return false;',
    replace: '',
  },
  {
    name: 'handlers are asked about publishers of a taken channel',
    isCommon: true,
    file: 'service/publishing/step.ts',
    search: '(takeover && !stream.keeps);',
    replace: '!stream.keeps;',
  },
];
