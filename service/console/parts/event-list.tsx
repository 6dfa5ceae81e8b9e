import type { Event } from '../../http/api/schemas/event';
import { wordsOf } from '../data/event-words';

/** What happened, the newest first. */
export function EventList({ events }: { readonly events: readonly Event[] }) {
  if (events.length === 0) return <p class="empty">Nothing has happened yet.</p>;
  return (
    <ol class="events">
      {events.map((event) => {
        const { title, detail, tone } = wordsOf(event);
        const at = new Date(event.at);
        return (
          <li key={event.id} class={`event event-${tone}`}>
            <time class="muted" dateTime={event.at} title={at.toLocaleString()}>
              {at.toLocaleTimeString()}
            </time>
            <div>
              <strong>{title}</strong>
              {detail === '' ? null : <p>{detail}</p>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}
