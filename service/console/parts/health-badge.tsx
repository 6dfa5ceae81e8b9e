import type { HealthState } from '../../http/api/schemas/health';

export const HEALTH_NAMES: Readonly<Record<HealthState, string>> = {
  good: 'Good',
  ok: 'OK',
  bad: 'Bad',
  noData: 'No data',
};

/** Each state has a shape of its own, for those who cannot tell the colours apart. */
const SHAPES: Readonly<Record<HealthState, string>> = {
  good: 'M2.5 6.4 5 8.8 9.6 3.4',
  ok: 'M6 2.6v4.2M6 9v.4',
  bad: 'M3 3l6 6M9 3l-6 6',
  noData: 'M3 6h6',
};

export function HealthBadge({ state, title }: { readonly state: HealthState; readonly title?: string | undefined }) {
  return (
    <span class={`health health-${state}`} title={title}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={SHAPES[state]} />
      </svg>
      {HEALTH_NAMES[state]}
    </span>
  );
}
