import type { Facts } from './facts';
import type { Finding, IssueCode, Severity } from './issue-codes';
import type { Sample } from './sample';

/** All that is known of a stream when it is judged. */
export interface Look {
  /** The last five to ten seconds. */
  readonly window: Sample;
  /** The window has its full ten seconds. */
  readonly isFull: boolean;
  readonly facts: Pick<Facts, 'videoCodec' | 'audioCodec' | 'video' | 'audio' | 'claims' | 'isClosed'>;
  /** Between the last two keyframes (s); 0: there were no two. */
  readonly keyframeSeconds: number;
  /** How much video has come since the newest keyframe, at least (s). */
  readonly withoutKeyframeSeconds: number;
  /** Its present source has sent video. */
  readonly hadVideo: boolean;
  /** How long media may wait before it is read here (ms). */
  readonly readDelayMs: number;
}

/** Collects what the rules find. */
export class Findings {
  readonly found: Finding[] = [];

  add(code: IssueCode, severity: Severity, sentence: string): void {
    this.found.push({ code, severity, sentence });
  }
}

/** Judges one topic. */
export type Rule = (look: Look, findings: Findings) => void;

/** With one decimal where that says more. */
export function inWords(value: number): string {
  return value < 100 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}
