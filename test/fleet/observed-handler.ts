import type { CallbackAnswerScript, CallbackRequest } from '../support/servers/callback-server';
import { ANSWER_MS, type StartSeen, type StopSeen } from './observed-history';

export const KEY = 'key';

export type Random = () => number;

/** Numbers in 0..1 from a seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

/** `usual`: fails, hangs up and answers late at times. `slow` answers all too late, `fails` answers 500. */
export type HandlerMood = 'usual' | 'healthy' | 'slow' | 'fails';

/** An application that fails, hangs up and answers late, until it is `healthy`, and writes down what it was asked. */
export class FaultyHandler {
  readonly starts: StartSeen[] = [];
  readonly stops: StopSeen[] = [];
  mood: HandlerMood = 'usual';
  /** More headers of an accepted start. */
  headersOf: (channel: string) => Readonly<Record<string, string>> = () => ({});

  /** @param isSteady channels whose starts are answered well unless all fail */
  constructor(
    private readonly random: Random,
    private readonly now: () => number,
    private readonly isSteady: (channel: string) => boolean = () => false,
  ) {}

  answer({ claims }: CallbackRequest): CallbackAnswerScript {
    const [channel, jti] = [String(claims['channel']), String(claims['jti'])];
    const isUsual = this.mood === 'usual' && !this.isSteady(channel);
    const fault = isUsual ? this.random() : this.mood === 'fails' ? 0 : 1;
    const delayMs = isUsual ? below(this.random, 400) : this.mood === 'slow' ? ANSWER_MS + 1_000 : 0;
    if (claims['event'] === 'stop') {
      const [id, startJti] = [String(claims['stream_id'] ?? ''), String(claims['start_jti'])];
      this.stops.push({ at: this.now(), channel, id, startJti, jti, taken: fault >= 0.15 });
      return isUsual && fault < 0.05 ? { hangUp: true } : { status: fault < 0.15 ? 500 : 200, delayMs };
    }
    const publisher = /e=(\w+)/.exec(String(claims['query']))?.[1] ?? '';
    const start: StartSeen = { at: this.now(), channel, publisher, jti };
    this.starts.push(start);
    const answer = this.#decide(start, claims, fault, delayMs);
    start.answered = start.at + (answer.delayMs ?? 0);
    return answer;
  }

  #decide(start: StartSeen, claims: CallbackRequest['claims'], fault: number, delayMs: number): CallbackAnswerScript {
    const former = this.starts.find(({ jti, id }) => jti === start.jti && id !== undefined)?.id;
    if (claims['key'] !== KEY) return { status: 403, delayMs };
    if (former === undefined && fault < 0.05) return { status: 500, delayMs };
    if (former === undefined && fault < 0.1) {
      start.undecided = true;
      return { hangUp: true, delayMs };
    }
    const resume = claims['resume'] as string | undefined;
    const continues = resume !== undefined && (this.isSteady(start.channel) || this.random() < 0.7);
    start.id = former ?? (continues ? resume : `id-${start.jti}`);
    if (this.mood === 'fails') return { status: 500 };
    if (fault < 0.15) return { hangUp: true, delayMs };
    const late = fault < 0.2 ? ANSWER_MS + 1_000 : 0;
    return { headers: { 'stream-id': start.id, ...this.headersOf(start.channel) }, delayMs: delayMs + late };
  }
}
