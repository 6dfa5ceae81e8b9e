export interface MeterProps {
  readonly name: string;
  /** 0 to 1. */
  readonly part: number;
  readonly text: string;
}

/** How full something is. */
export function Meter({ name, part, text }: MeterProps) {
  const percent = Math.min(100, Math.max(0, Math.round(part * 100)));
  const tone = percent >= 90 ? 'bad' : percent >= 70 ? 'warning' : 'good';
  return (
    <div class="meter">
      <span class="meter-name">{name}</span>
      <span class="meter-text">{text}</span>
      <span
        class={`meter-bar meter-${tone}`}
        role="meter"
        aria-label={name}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={text}
      >
        <span style={{ width: `${percent}%` }} />
      </span>
    </div>
  );
}
