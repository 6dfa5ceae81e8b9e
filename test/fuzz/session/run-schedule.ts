import { type Drive, given, type Line } from './drive';
import { FuzzClient, POISONS } from './fuzz-client';
import { Model } from './model';
import { CLIENTS, type Move, type Schedule } from './schedule';

interface Connected {
  readonly client: FuzzClient;
  readonly line: Line;
  /** What the server sent that is no chunk stream. */
  fault: string | undefined;
}

/** Most seconds that pass in one schedule: less than any time limit of the server. */
const MAX_SECONDS = 9;

/** What the server did wrong, and at which move of the schedule. */
export class ScheduleFailure extends Error {
  constructor(
    readonly at: number,
    words: string,
    cause: unknown,
  ) {
    super(words, { cause });
  }
}

/** Runs one schedule and throws what the server did wrong. */
export async function runSchedule(schedule: Schedule, drive: Drive): Promise<void> {
  const run = new Run(drive);
  for (const [index, move] of schedule.moves.entries()) {
    try {
      await run.move(move);
    } catch (error) {
      throw new ScheduleFailure(index, (error as Error).message, error);
    }
  }
  try {
    await run.end();
  } catch (error) {
    throw new ScheduleFailure(schedule.moves.length, `when all leave: ${(error as Error).message}`, error);
  }
}

class Run {
  readonly #drive: Drive;
  readonly #model: Model;
  readonly #connected: (Connected | undefined)[] = Array.from({ length: CLIENTS });
  #names = 0;
  #ids = 0;
  #barriers = 0x40000000;
  #seconds = 0;
  #isSettled = true;

  constructor(drive: Drive) {
    this.#drive = drive;
    this.#model = new Model(drive.rules, () => drive.now());
  }

  async move(move: Move): Promise<void> {
    if (move.move !== 'say' && !this.#isSettled) await this.#settle();
    switch (move.move) {
      case 'say':
        await this.#say(move);
        return;
      case 'leave':
        this.#leave(move.client, move.reset);
        break;
      case 'poison':
        await this.#poison(move.client, POISONS[move.kind % POISONS.length]!);
        break;
      case 'answer':
        this.#answer(move.which, move.answer);
        break;
      case 'order':
        await this.#order(move.verb, this.#drive.channels[move.channel]!, move.right);
        break;
      case 'pass':
        await this.#pass(move.seconds);
    }
    await this.#settle();
  }

  async end(): Promise<void> {
    await this.#settle();
    for (let client = 0; client < CLIENTS; client += 1) this.#leave(client, client % 2 === 0);
    await this.#settle();
    for (let which = 0; this.#model.questions.length > 0; which += 1) {
      this.#answer(which, which % 2 === 0 ? 'accept' : 'fail');
      await this.#settle();
    }
    const left = await this.#drive.leftovers();
    if (left !== undefined) throw new Error(left);
  }

  async #say(move: Move & { readonly move: 'say' }): Promise<void> {
    const { raw, amf3, sayings, settles } = move;
    const connected = this.#connected[move.client] ?? this.#connect(move);
    const { client } = connected;
    // The server reads what it publishes and what it plays together: what it wants meanwhile applies to some frames.
    for (const saying of sayings) client.say(saying, amf3);
    this.#send(connected, client.sendable(move.heldBack), move.cuts);
    // Without a callback, what the next client says could come before or after the decision on a publish.
    const { rules, needsBarriers } = this.#drive;
    if (settles || raw || !rules.callback || needsBarriers) await this.#settle();
    else this.#isSettled = false;
  }

  #connect(move: Move & { readonly move: 'say' }): Connected {
    this.#names += 1;
    const client = new FuzzClient(`client ${move.client} (${this.#names})`, this.#drive.channels[move.channel]!);
    const line = this.#drive.connect((bytes) => {
      try {
        if (connected.fault === undefined) client.push(bytes);
      } catch (error) {
        connected.fault = (error as Error).message;
      }
    });
    const connected: Connected = { client, line, fault: undefined };
    this.#connected[move.client] = connected;
    client.shakeHands();
    if (!move.raw) client.connect(move.amf3);
    return connected;
  }

  #send({ client, line }: Connected, count: number, cuts: readonly number[]): void {
    const all: Buffer[] = [];
    const ends = cuts[0] === -1 ? singleBytes(count) : offsets(count, cuts);
    let at = 0;
    for (const end of [...ends, count]) {
      if (end <= at) continue;
      // What the server reads counts as heard before it can answer.
      all.push(client.take(end - at, (said) => this.#model.hear(client.model, said)));
      at = end;
    }
    for (const bytes of all) line.send(bytes);
  }

  #leave(index: number, reset: boolean): void {
    const connected = this.#connected[index];
    if (connected === undefined) return;
    this.#connected[index] = undefined;
    this.#model.leave(connected.client.model);
    connected.line.close(reset);
  }

  async #poison(index: number, bytes: Buffer): Promise<void> {
    const finished = this.#connected[index];
    if (finished === undefined) return;
    // What was held back must not become the beginning of the poison.
    this.#send(finished, finished.client.unsent, []);
    await this.#settle();
    const connected = this.#connected[index];
    if (connected === undefined) return;
    connected.line.send(bytes);
    this.#leave(index, false);
  }

  #answer(which: number, answer: Parameters<typeof given>[0]): void {
    const { questions } = this.#model;
    const question = questions[which % Math.max(1, questions.length)];
    if (question === undefined) return;
    this.#ids += 1;
    const mayFail = this.#drive.canFail?.() ?? true;
    const gives = given(answer === 'fail' && !mayFail ? 'accept' : answer, this.#ids);
    this.#model.answer(question.jti, gives.final, gives.streamId, gives.playKey);
    this.#drive.answer(question.jti, gives);
  }

  async #order(
    verb: 'kill-session' | 'close-stream' | 'block' | 'unblock',
    channel: string,
    right: boolean,
  ): Promise<void> {
    const id = right ? this.#model.liveId(channel) : 'another';
    // Nobody closes a stream by an id that it does not have.
    if (verb === 'close-stream' && id === '') return;
    const { blockSeconds } = this.#drive;
    this.#model.order(verb, channel, id, blockSeconds);
    const rest = verb === 'close-stream' ? `|${id}` : verb === 'block' ? `|${blockSeconds}` : '';
    await this.#drive.order(`${verb}>${channel}${rest}`);
  }

  async #pass(seconds: number): Promise<void> {
    const passing = Math.min(seconds, MAX_SECONDS - this.#seconds);
    if (passing <= 0) return;
    this.#seconds += passing;
    await this.#drive.pass(passing);
  }

  /** Waits until the server has done everything, and compares. */
  async #settle(): Promise<void> {
    this.#isSettled = true;
    await this.#catchUp();
    // What one connection leads to on another one has been sent when the first ping is answered, and comes before the
    // answer to the second.
    if (this.#drive.needsBarriers) {
      for (let round = 0; round < 2; round += 1) {
        this.#askAll();
        await this.#catchUp();
      }
    }
    this.#model.settle();
    for (const connected of this.#connected) connected?.client.model.settle();
    this.#connected.forEach((connected, index) => {
      if (connected?.client.model.end !== 'must') return;
      this.#connected[index] = undefined;
      connected.line.close(false);
    });
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      const hasTime = await this.#drive.work();
      this.#compare();
      const missing = this.#missing();
      if (missing === undefined) break;
      if (!hasTime) throw new Error(missing);
    }
    this.#drive.settled();
  }

  #askAll(): void {
    for (const connected of this.#connected) {
      if (connected?.client.model.end !== 'open') continue;
      if (connected.client.unsent > 0 || connected.client.model.phase === 'new') continue;
      this.#barriers += 1;
      connected.client.barrier(this.#barriers);
      this.#send(connected, connected.client.unsent, []);
    }
  }

  #compare(): void {
    const model = this.#model;
    for (const asked of this.#drive.takeQuestions()) check(model.asked(asked));
    for (const connected of this.#connected) {
      if (connected === undefined) continue;
      const { client, fault } = connected;
      for (const message of client.received.splice(0)) check(client.model.observe(message));
      check(fault && `${client.model.name} got what is no chunk stream: ${fault}`);
      if (connected.line.isClosed && client.model.end === 'open') throw new Error(`${client.model.name} was closed`);
    }
    for (const { startJti, streamId } of this.#drive.takeStops()) check(model.stopped(startJti, streamId));
  }

  #missing(): string | undefined {
    for (const connected of this.#connected) {
      if (connected === undefined) continue;
      const { model } = connected.client;
      if (model.missing !== undefined) return model.missing;
      if (model.end === 'must' && !connected.line.isClosed) return `${model.name} is still connected`;
    }
    return this.#model.missing;
  }
}

function check(problem: string | undefined): void {
  if (problem !== undefined) throw new Error(problem);
}

/** Byte by byte; of many, the last ones. */
function singleBytes(count: number): number[] {
  const single = Math.min(count, 400);
  return Array.from({ length: single }, (_, at) => count - single + at);
}

function offsets(count: number, cuts: readonly number[]): number[] {
  return cuts.map((cut) => Math.floor((cut * count) / 1000)).sort((a, b) => a - b);
}
