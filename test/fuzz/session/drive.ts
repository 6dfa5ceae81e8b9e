import type { Answer } from './schedule';
import type { Asked, Rules } from './model';

/** One client's connection to the server under test. */
export interface Line {
  send(bytes: Buffer): void;
  /** Closes it from the client's side. */
  close(reset: boolean): void;
  /** The server has closed it. */
  readonly isClosed: boolean;
}

export interface Stop {
  readonly startJti: string;
  readonly streamId: string;
}

export interface Given {
  readonly final: boolean;
  /** Undefined: the start is not accepted. */
  readonly streamId: string | undefined;
  readonly playKey: string | undefined;
}

/** A server for one schedule: its connections, its callback handler, its operators. */
export interface Drive {
  readonly rules: Rules;
  /** The names of the channels; no other schedule uses them. */
  readonly channels: readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
  connect(received: (bytes: Buffer) => void): Line;
  /** Questions and stops that have come since they were last taken. */
  takeQuestions(): Asked[];
  takeStops(): Stop[];
  answer(jti: string, given: Given): void;
  order(text: string): Promise<void>;
  pass(seconds: number): Promise<void>;
  /** Lets the server work. Resolves to false when it has had all the time that it may need. */
  work(): Promise<boolean>;
  /** Whether a ping on each connection shows what has been read; otherwise everything is done when `work` resolves. */
  readonly needsBarriers: boolean;
  /** How long a channel is blocked (s): time passes by itself where the clock is real. */
  readonly blockSeconds: number;
  /** Everything has come: the next `work` belongs to another move. */
  settled(): void;
  /** False: one more failed answer would make the server ask no more. Default: it may fail. */
  canFail?(): boolean;
  /** The schedule has taken so long that the server's time limits may have passed. Default: never. */
  isLate?(): boolean;
  /** All clients have left, all questions are answered: what is left nevertheless; undefined: nothing. */
  leftovers(): Promise<string | undefined>;
  close(): void | Promise<void>;
}

/** What the handler says, for an answer of a schedule. */
export function given(answer: Answer, serial: number): Given {
  switch (answer) {
    case 'accept':
      return { final: false, streamId: `id-${serial}`, playKey: undefined };
    case 'acceptWithPlayKey':
      return { final: false, streamId: `id-${serial}`, playKey: 'other' };
    case 'refuse':
      return { final: true, streamId: undefined, playKey: undefined };
    case 'fail':
      return { final: false, streamId: undefined, playKey: undefined };
  }
}
