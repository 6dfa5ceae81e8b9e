import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { CHART_SECONDS, type ChartData, summaryOf } from '../data/stream-history';
import { UNKNOWN } from '../data/format';
import { useMedia } from './console-context';

export interface ChartProps {
  readonly title: string;
  readonly data: ChartData;
  /** Time at the right edge, s since 1970. */
  readonly now: number;
  readonly format: (value: number) => string;
}

const HEIGHT = 132;
const AXIS_WIDTH = 78;

/** A figure over the last ten minutes. The caption says in words what the line shows. */
export function Chart({ title, data, now, format }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const right = useRef(now);
  const [pointed, setPointed] = useState<number | null>(null);
  const isDark = useMedia('(prefers-color-scheme: dark)');

  useEffect(() => {
    const target = place.current;
    if (target === null) return;
    const options = optionsOf(target, format, () => right.current, setPointed);
    const created = new uPlot(options, data, target);
    plot.current = created;
    const resized = new ResizeObserver(() => created.setSize({ width: target.clientWidth, height: HEIGHT }));
    resized.observe(target);
    return () => {
      resized.disconnect();
      created.destroy();
      plot.current = undefined;
    };
    // A new plot only for other colours: data and the time go into the one that is there.
  }, [isDark]);

  useEffect(() => {
    right.current = now;
    plot.current?.setData(data);
  }, [data, now]);

  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <Caption data={data} pointed={pointed} format={format} />
      </figcaption>
      <div ref={place} class="chart-place" aria-hidden="true" />
    </figure>
  );
}

function Caption({ data, pointed, format }: Pick<ChartProps, 'data' | 'format'> & { readonly pointed: number | null }) {
  const [times, values] = data;
  const time = pointed === null ? undefined : times[pointed];
  if (pointed !== null && time !== undefined) {
    const value = values[pointed] ?? null;
    return (
      <span>
        <span class="muted">{new Date(time * 1000).toLocaleTimeString()}</span>{' '}
        {value === null ? UNKNOWN : format(value)}
      </span>
    );
  }
  const summary = summaryOf(data);
  if (summary === undefined) return <span class="muted">no measurement yet</span>;
  return (
    <span>
      {summary.newest === null ? UNKNOWN : format(summary.newest)}{' '}
      <span class="muted">
        {format(summary.lowest)} to {format(summary.highest)}
      </span>
    </span>
  );
}

function optionsOf(
  target: HTMLElement,
  format: ChartProps['format'],
  right: () => number,
  setPointed: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(target);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis: uPlot.Axis = {
    stroke: colour('--muted'),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: target.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, sync: { key: 'stream' } },
    hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx ?? null)] },
    scales: {
      x: { time: true, range: () => [right() - CHART_SECONDS, right()] },
      // From zero, and with room above, so that small variations do not look like large ones.
      y: { range: (_plot, _lowest, highest: number | null) => [0, Math.max(highest ?? 0, 1e-3) * 1.15] },
    },
    series: [{}, { stroke: colour('--accent'), fill: colour('--accent-faint'), width: 1.5, points: { show: false } }],
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        space: 70,
        values: (_plot, times) => times.map((time) => clock.format(time * 1000)),
      },
      { ...axis, size: AXIS_WIDTH, gap: 6, space: 36, values: (_plot, values) => values.map((value) => format(value)) },
    ],
  };
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
