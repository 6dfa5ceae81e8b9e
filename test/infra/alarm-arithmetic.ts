import type { Json, JsonObject } from './template-queries';
import { text } from './template-queries';

/** One figure as it reaches CloudWatch: minute, metric and value. */
export interface Report {
  readonly minute: number;
  readonly value: number;
  /** Dimensions besides those that all figures of the metric have, such as the zone. */
  readonly of?: Readonly<Record<string, string>>;
}

interface MetricStat {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, Json>>;
  readonly statistic: string;
  readonly periodMinutes: number;
}

/** An alarm's state at the end of `minutes`, computed from its properties as CloudWatch does. */
export function alarmState(alarm: JsonObject, reports: readonly Report[], minutes: number): 'OK' | 'ALARM' | 'NONE' {
  const stats = metricsOf(alarm);
  const period = stats[0]?.periodMinutes ?? 1;
  const periods = Number(alarm.EvaluationPeriods);
  const needed = Number(alarm.DatapointsToAlarm ?? periods);
  let breaching = 0;
  let missing = 0;
  for (let index = 0; index < periods; index += 1) {
    const end = minutes - index * period;
    const values = stats.map((stat) => statisticOf(stat, reports, end - period, end)).filter((v) => v !== undefined);
    // An expression here is always the largest of its metrics.
    if (values.length === 0) missing += 1;
    else if (breaches(alarm, Math.max(...values))) breaching += 1;
  }
  if (alarm.TreatMissingData === 'breaching') breaching += missing;
  else if (missing === periods) return alarm.TreatMissingData === 'ignore' ? 'NONE' : 'OK';
  return breaching >= needed ? 'ALARM' : 'OK';
}

/** How long a fault must last before the alarm is raised (minutes). */
export function minutesToRing(alarm: JsonObject): number {
  return Number(alarm.EvaluationPeriods) * (metricsOf(alarm)[0]?.periodMinutes ?? 1);
}

/** Name of the figure that the alarm looks at. */
export function figureOf(alarm: JsonObject): string {
  return metricsOf(alarm)[0]?.name ?? '';
}

function metricsOf(alarm: JsonObject): MetricStat[] {
  if (alarm.Metrics === undefined) return [metricStat(alarm, alarm)];
  const queries = alarm.Metrics as unknown as readonly { Expression?: string; MetricStat?: JsonObject }[];
  const expressions = queries.flatMap(({ Expression }) => (Expression === undefined ? [] : [Expression]));
  if (expressions.some((expression) => expression !== 'MAX(METRICS())')) throw new Error(expressions.join());
  return queries.flatMap(({ MetricStat }) =>
    MetricStat === undefined ? [] : [metricStat(MetricStat.Metric as JsonObject, MetricStat)],
  );
}

function metricStat(metric: JsonObject, stat: JsonObject): MetricStat {
  const dimensions = (metric.Dimensions ?? []) as unknown as readonly { Name: string; Value: Json }[];
  return {
    name: text(metric.MetricName),
    dimensions: Object.fromEntries(dimensions.map(({ Name, Value }) => [Name, Value])),
    statistic: text(stat.Statistic ?? stat.ExtendedStatistic ?? stat.Stat),
    periodMinutes: Number(stat.Period) / 60,
  };
}

/** Of the reports that carry the metric's dimensions; a metric without the zone takes in those of every zone. */
function statisticOf(stat: MetricStat, reports: readonly Report[], from: number, to: number): number | undefined {
  const values = reports
    .filter(({ minute }) => minute >= from && minute < to)
    .filter(({ of = {} }) => Object.entries(of).every(([key, value]) => fits(stat.dimensions[key], value)))
    .map(({ value }) => value)
    .sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  const sum = values.reduce((total, value) => total + value, 0);
  switch (stat.statistic) {
    case 'Sum':
      return sum;
    case 'Average':
      return sum / values.length;
    case 'SampleCount':
      return values.length;
    case 'Minimum':
      return values[0];
    case 'Maximum':
      return values.at(-1);
    case 'p99':
      return values[Math.ceil(values.length * 0.99) - 1];
    default:
      throw new Error(`statistic ${stat.statistic} is not known here`);
  }
}

function fits(dimension: Json | undefined, value: string): boolean {
  return dimension === undefined || text(dimension).includes(value);
}

function breaches(alarm: JsonObject, value: number): boolean {
  const threshold = Number(alarm.Threshold);
  if (alarm.ComparisonOperator === 'LessThanThreshold') return value < threshold;
  if (alarm.ComparisonOperator === 'GreaterThanOrEqualToThreshold') return value >= threshold;
  throw new Error(`comparison ${text(alarm.ComparisonOperator)} is not known here`);
}
