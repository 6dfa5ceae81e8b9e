import type { StreamFigures } from '../../http/api/schemas/figures';
import type { History } from '../../http/api/schemas/stream';

/** How much of the past the charts show (s). */
export const CHART_SECONDS = 600;

/** One chart's values: times (s since 1970) and, for each, a value or null where there was no measurement. */
export type ChartData = [times: number[], values: (number | null)[]];

interface Point {
  /** Seconds since 1970. */
  readonly time: number;
  readonly bitrateKbps: number | null;
  readonly fps: number | null;
  readonly keyframeIntervalSeconds: number | null;
}

export type ChartedFigure = Exclude<keyof Point, 'time'>;

/** The last ten minutes of one stream: what the server remembers, continued by the figures that arrive. */
export class StreamHistory {
  #points: Point[] = [];

  /** Takes over the server's past; later figures that came already stay. */
  begin(history: History): void {
    const until = Date.parse(history.until) / 1000;
    const last = history.bitrateKbps.length - 1;
    const past = history.bitrateKbps.map((bitrateKbps, index) => ({
      time: until - (last - index) * history.stepSeconds,
      bitrateKbps,
      fps: history.fps[index] ?? null,
      keyframeIntervalSeconds: history.keyframeIntervalSeconds[index] ?? null,
    }));
    this.#points = [...past, ...this.#points.filter(({ time }) => time > until)];
  }

  /** @param at ms since 1970 */
  add(at: number, { bitrateKbps, fps, keyframeIntervalSeconds }: StreamFigures): void {
    const time = at / 1000;
    const newest = this.#points.at(-1);
    if (newest !== undefined && newest.time >= time) return;
    this.#points.push({ time, bitrateKbps, fps, keyframeIntervalSeconds });
    const from = time - CHART_SECONDS;
    const tooOld = this.#points.findIndex((point) => point.time >= from);
    if (tooOld > 1) this.#points.splice(0, tooOld - 1);
  }

  chart(figure: ChartedFigure): ChartData {
    return [this.#points.map(({ time }) => time), this.#points.map((point) => point[figure])];
  }
}

/** What a chart shows, for its caption. */
export interface ChartSummary {
  readonly newest: number | null;
  readonly lowest: number;
  readonly highest: number;
}

/** undefined: there is no measurement at all. */
export function summaryOf([, values]: ChartData): ChartSummary | undefined {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return undefined;
  let [lowest, highest] = [Infinity, -Infinity];
  for (const value of known) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  return { newest: values.at(-1) ?? null, lowest, highest };
}
