import type { Health } from '../../http/api/schemas/health';
import { HealthBadge } from './health-badge';

const SUMMARIES = {
  good: 'The encoder sends as it should.',
  ok: 'The stream plays, but the encoder should be set differently.',
  bad: 'Viewers notice faults. The encoder or its connection needs a change.',
  noData: 'No media arrives from the encoder.',
} as const;

const SEVERITIES = { error: 'Error', warning: 'Warning', info: 'Note' } as const;

/** Health in words: the state, and what the streamer has to change. */
export function HealthPanel({ health }: { readonly health: Health }) {
  return (
    <section class={`panel health-panel health-panel-${health.state}`} aria-labelledby="health">
      <div class="panel-head">
        <h2 id="health">Health</h2>
        <HealthBadge state={health.state} />
        <span>{SUMMARIES[health.state]}</span>
      </div>
      {health.issues.length === 0 ? null : (
        <ul class="issues">
          {health.issues.map(({ code, severity, sentence, since }) => (
            <li key={code} class={`issue issue-${severity}`}>
              <span class="issue-severity">{SEVERITIES[severity]}</span>
              <div>
                <p>{sentence}</p>
                <p class="muted small">
                  <code>{code}</code> since <time dateTime={since}>{new Date(since).toLocaleTimeString()}</time>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
