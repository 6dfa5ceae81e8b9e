import type { MetricName, RunResult } from '../metrics';
import type { BenchCase } from '../scenarios';
import type { Target } from '../targets';
import type { MetricSpreads } from './statistics';

/** All runs of one server in one case. */
export interface ServerResult {
  readonly server: string;
  readonly ours: boolean;
  readonly version: string;
  readonly command: string;
  readonly runs: readonly RunResult[];
  readonly spreads: MetricSpreads;
}

export interface CaseResult {
  readonly benchCase: BenchCase;
  readonly servers: readonly ServerResult[];
}

/** Median of this project's own build, of which there is one per case. */
export function ourMedian(result: CaseResult, metric: MetricName): number | undefined {
  return result.servers.find(({ ours }) => ours)?.spreads[metric]?.median;
}

export interface TargetOutcome {
  readonly target: Target;
  readonly value: number;
  readonly met: boolean;
}

/** Judges every target for which the results contain both sides. */
export function judge(targets: readonly Target[], results: readonly CaseResult[]): TargetOutcome[] {
  return targets.flatMap((target) => {
    const value = valueOf(target, results);
    if (value === undefined) return [];
    return [{ target, value, met: value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity) }];
  });
}

function valueOf(target: Target, results: readonly CaseResult[]): number | undefined {
  const result = results.find(({ benchCase }) => benchCase.id === target.caseId);
  const own = result && ourMedian(result, target.metric);
  if (result === undefined || own === undefined) return undefined;
  if (target.againstServer !== undefined) {
    const peer = result.servers.find(({ server }) => server === target.againstServer)?.spreads[target.metric];
    return peer && own / peer.median;
  }
  if (target.againstCase !== undefined) {
    const other = results.find(({ benchCase }) => benchCase.id === target.againstCase);
    const base = other && ourMedian(other, target.metric);
    return base === undefined ? undefined : own / base;
  }
  return own;
}
