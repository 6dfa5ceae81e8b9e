import type { Answer, DueStop } from '../../../../service/publishing/life-events';
import type { Judge } from './judge';
import type { ModelHandler, Question } from './model-handler';
import type { VirtualTime } from './virtual-time';

/** What becomes of a question on its way: chances between 0 and 1, each of its own. */
export interface Faults {
  /** It never arrives. */
  readonly questionLost: number;
  /** It arrives, its answer does not. */
  readonly answerLost: number;
  /** It takes longer than the time-out. */
  readonly slow: number;
  /** It arrives twice, the second time much later. */
  readonly repeated: number;
  /** A stop is not answered, whether or not it arrived. */
  readonly stopLost: number;
}

/** What a test wants of single questions, in their order, instead of chance. */
export interface PlannedAnswer {
  readonly arrivesMs?: number;
  readonly answersMs?: number;
  readonly lost?: 'question' | 'answer';
  /** Whether the node notices at once that there will be no answer. */
  readonly reset?: boolean;
  /** It arrives again, some seconds later. */
  readonly repeated?: boolean;
}

/** The network between nodes and the handler. */
export class HandlerLine {
  readonly planned: PlannedAnswer[] = [];
  faults: Faults;

  constructor(
    private readonly time: VirtualTime,
    private readonly handler: ModelHandler,
    private readonly judge: Judge,
    faults: Faults,
  ) {
    this.faults = faults;
  }

  ask(question: Question, answered: (answer: Answer) => void): void {
    this.judge.asked(question);
    const plan = this.planned.shift() ?? this.#draw();
    const { arrivesMs = 5, answersMs = 5, lost, reset = false } = plan;
    if (lost === 'question') {
      if (reset) this.time.after(arrivesMs, () => answered({ kind: 'unknown' }));
      return;
    }
    this.time.after(arrivesMs, () => {
      const answer = this.handler.start(question);
      this.judge.answered(question, answer);
      this.time.after(answersMs, () => {
        if (lost === 'answer') {
          if (reset) answered({ kind: 'unknown' });
          return;
        }
        if (answer.accepted) answered({ kind: 'accepted', streamId: answer.streamId, playKeyHash: '' });
        else answered({ kind: 'refused', final: true, reason: 'no' });
      });
      if (plan.repeated === true)
        this.time.after(this.time.between(10, 20_000), () => void this.handler.start(question));
    });
  }

  stop(channel: string, stop: DueStop, done: (delivered: boolean) => void): void {
    const { time } = this;
    const isLost = time.random() < this.faults.stopLost;
    const arrives = !isLost || time.random() < 0.5;
    time.after(time.between(2, 200), () => {
      if (arrives) {
        this.judge.stopArrived(channel, stop);
        this.handler.stop(channel, stop);
      }
      time.after(time.between(2, 50), () => done(!isLost));
    });
  }

  #draw(): PlannedAnswer {
    const { time, faults } = this;
    const reset = time.random() < 0.5;
    const repeated = time.random() < faults.repeated;
    const times = { arrivesMs: time.between(1, 150), answersMs: time.between(1, 150), reset, repeated };
    const draw = time.random();
    if (draw < faults.questionLost) return { ...times, lost: 'question' };
    if (draw < faults.questionLost + faults.answerLost) return { ...times, lost: 'answer' };
    if (draw > 1 - faults.slow) {
      const slowMs = time.between(9_000, 50_000);
      return time.random() < 0.5 ? { ...times, arrivesMs: slowMs } : { ...times, answersMs: slowMs };
    }
    return times;
  }
}
