import type { DueStop } from '../../../../service/publishing/life-events';
import type { Start } from '../../../../service/publishing/channel-life';

export interface HandlerRules {
  /** What a start gets that finds its channel live. */
  readonly whenBusy: 'takeover' | 'reject';
  /** An id of its own for each stream, one for each channel, or none. */
  readonly ids: 'fresh' | 'stable' | 'none';
  /** A resumed stream keeps its id. */
  readonly honoursResume: boolean;
}

export interface Question {
  readonly channel: string;
  readonly rightKey: boolean;
  /** When it was first asked, by the node's clock (ms). */
  readonly askedAt: number;
  readonly start: Start;
}

export type HandlerAnswer = { readonly accepted: true; readonly streamId: string } | { readonly accepted: false };

export interface ActiveStream {
  readonly streamId: string;
  readonly startJti: string;
  readonly askedAt: number;
}

/** Starts that were asked closer together than this cannot be told apart by the clocks of their nodes (ms). */
const CLOCKS_DIFFER_MS = 4_000;

/** An application that keeps one stream per channel, as the one that comes with the service. */
export class ModelHandler {
  readonly active = new Map<string, ActiveStream>();
  /** What each start that began a stream was given, by its `jti`. */
  readonly handed = new Map<string, { channel: string; streamId: string }>();
  readonly #answers = new Map<string, HandlerAnswer>();
  readonly #over = new Set<string>();
  #count = 0;

  constructor(readonly rules: HandlerRules) {}

  start(question: Question): HandlerAnswer {
    const { startJti } = question.start;
    if (this.#over.has(startJti)) return { accepted: false };
    const answer = this.#answers.get(startJti) ?? this.#decide(question);
    this.#answers.set(startJti, answer);
    return answer;
  }

  stop(channel: string, { streamId, startJti }: DueStop): void {
    const active = this.active.get(channel);
    this.#over.add(startJti);
    if (active === undefined) return;
    const names = streamId !== '' && active.streamId === streamId && this.rules.ids === 'fresh';
    if (names || active.startJti === startJti) this.active.delete(channel);
  }

  #decide({ channel, rightKey, askedAt, start }: Question): HandlerAnswer {
    const { ids, whenBusy, honoursResume } = this.rules;
    const active = this.active.get(channel);
    if (!rightKey) return { accepted: false };
    if (active !== undefined && honoursResume && start.resume === active.streamId) {
      return { accepted: true, streamId: active.streamId };
    }
    if (active !== undefined && (whenBusy === 'reject' || askedAt + CLOCKS_DIFFER_MS < active.askedAt)) {
      return { accepted: false };
    }
    this.#count += 1;
    const streamId = ids === 'fresh' ? `id-${this.#count}` : ids === 'stable' ? `id-of-${channel}` : '';
    this.active.set(channel, { streamId, startJti: start.startJti, askedAt });
    this.handed.set(start.startJti, { channel, streamId });
    return { accepted: true, streamId };
  }
}
