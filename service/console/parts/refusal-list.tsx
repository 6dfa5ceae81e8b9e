import type { Refusal } from '../../http/api/schemas/refusal';
import { formatAgo } from '../data/format';
import { routeHref } from '../data/routes';
import { useFleet } from './console-context';

export interface RefusalListProps {
  readonly refusals: readonly Refusal[];
  /** False where all are of one channel. */
  readonly withChannel?: boolean;
}

/** Publishers that were turned away, and why; the newest first. */
export function RefusalList({ refusals, withChannel = true }: RefusalListProps) {
  const watch = useFleet();
  if (refusals.length === 0) return <p class="empty">Nobody was refused lately.</p>;
  return (
    <ul class="refusals">
      {refusals.map((refusal) => (
        <li key={`${refusal.node} ${refusal.channel} ${refusal.address} ${refusal.code}`} class="refusal">
          <div class="refusal-head">
            {withChannel ? (
              <a class="name" href={routeHref({ page: 'stream', channel: refusal.channel })}>
                {refusal.channel}
              </a>
            ) : (
              <span class="small">{refusal.sentence}</span>
            )}
            <time class="muted small" dateTime={refusal.lastAt} title={new Date(refusal.lastAt).toLocaleString()}>
              {formatAgo((watch.now() - Date.parse(refusal.lastAt)) / 1000)}
            </time>
          </div>
          {withChannel ? <p class="small">{refusal.sentence}</p> : null}
        </li>
      ))}
    </ul>
  );
}
