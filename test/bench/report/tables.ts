import type { MetricName } from '../metrics';
import { type CaseResult, ourMedian, type ServerResult, type TargetOutcome } from './results';
import type { Spread } from './statistics';

interface Column {
  readonly title: string;
  /** An empty cell in every row drops the column. */
  readonly cell: (server: ServerResult, result: CaseResult) => string;
}

const columns: readonly Column[] = [
  { title: 's/GB', cell: ranged('costSecondsPerGb', 3) },
  { title: 'ours/it', cell: costRatio },
  { title: 'players', cell: ranged('maxPlayers', 0) },
  { title: 'p50/p99 ms', cell: pair('latencyP50Ms', 'latencyP99Ms') },
  { title: 'video', cell: pair('videoP50Ms', 'videoP99Ms') },
  { title: 'audio', cell: pair('audioP50Ms', 'audioP99Ms') },
  { title: 'lost', cell: worst('lostMessages') },
  { title: 'wrong', cell: worst('wrongMessages') },
  { title: 'stalled', cell: worst('stalledPlayers') },
  { title: 'failed', cell: worst('failedConnections') },
  { title: 'ts errors', cell: worstUnlessZero('timestampErrors') },
  { title: 'CPU %', cell: percent('serverCpuShare') },
  { title: 'RSS MB', cell: median('rssMb', 0) },
  { title: 'base MB', cell: median('baseRssMb', 0) },
  { title: 'MB/publisher', cell: median('rssPerPublisherMb', 2) },
  { title: 'KB/player', cell: ranged('kbPerIdlePlayer', 1) },
  { title: 'connects', cell: median('connections', 0) },
  { title: 'growth MB/min', cell: median('rssGrowthMbPerMinute', 2) },
  { title: 'generator CPU %', cell: percent('generatorCpuShare') },
  { title: 'late p99 ms', cell: median('generatorLatenessP99Ms', 1) },
  { title: 'foreign CPU %', cell: percent('foreignCpuShare') },
];

/** One case's servers side by side: medians, with (lowest-highest) where that matters. */
export function caseTable(result: CaseResult): string {
  const rows = result.servers.map((server) => [server.server, ...columns.map(({ cell }) => cell(server, result))]);
  const titles = ['server', ...columns.map(({ title }) => title)];
  const kept = titles.map((_, index) => rows.some((row) => row[index] !== ''));
  const shown = [titles, ...rows].map((row) => row.filter((_, index) => kept[index]));
  return `${result.benchCase.title}\n${aligned(shown)}`;
}

export function targetTable(outcomes: readonly TargetOutcome[]): string {
  const rows = outcomes.map(({ target, value, met }) => [
    met ? 'met' : 'MISSED',
    target.caseId,
    target.metric,
    target.againstServer ?? target.againstCase ?? '',
    target.atMost === undefined ? `>= ${target.atLeast}` : `<= ${Number(target.atMost.toFixed(3))}`,
    value.toFixed(value < 10 ? 3 : 1),
  ]);
  return aligned([['target', 'case', 'metric', 'ratio to', 'limit', 'measured'], ...rows]);
}

/** Columns of equal width; the first row is the heading. */
export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0], widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)].join('\n');
}

function costRatio(server: ServerResult, result: CaseResult): string {
  const own = ourMedian(result, 'costSecondsPerGb');
  const other = server.spreads.costSecondsPerGb?.median;
  const isOwn = server === result.servers.find(({ ours }) => ours);
  return isOwn || own === undefined || other === undefined ? '' : (own / other).toFixed(2);
}

function text(metric: MetricName, format: (spread: Spread) => string): Column['cell'] {
  return ({ spreads }) => {
    const spread = spreads[metric];
    return spread === undefined ? '' : format(spread);
  };
}

function median(metric: MetricName, digits: number): Column['cell'] {
  return text(metric, (spread) => spread.median.toFixed(digits));
}

function ranged(metric: MetricName, digits: number): Column['cell'] {
  return text(metric, ({ median: middle, min, max }) =>
    min === max ? middle.toFixed(digits) : `${middle.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`,
  );
}

function percent(metric: MetricName): Column['cell'] {
  return text(metric, (spread) => (spread.median * 100).toFixed(0));
}

function worst(metric: MetricName): Column['cell'] {
  return text(metric, (spread) => String(spread.max));
}

function worstUnlessZero(metric: MetricName): Column['cell'] {
  return text(metric, (spread) => (spread.max === 0 ? '' : String(spread.max)));
}

function pair(first: MetricName, second: MetricName): Column['cell'] {
  return ({ spreads }) => {
    const [low, high] = [spreads[first], spreads[second]];
    return low === undefined || high === undefined ? '' : `${low.median.toFixed(1)}/${high.median.toFixed(1)}`;
  };
}
