import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { HealthState } from '../../http/api/schemas/health';
import { totalsOf, type Totals } from '../data/fleet-model';
import { formatBitrate, formatCount, formatNumber } from '../data/format';
import { routeHref } from '../data/routes';
import { type ListFilter, type ListOrder, listStreams, type SortColumn } from '../data/stream-list';
import { useFleet, useMedia } from '../parts/console-context';
import { HEALTH_NAMES } from '../parts/health-badge';
import { NodeList } from '../parts/node-list';
import { RefusalList } from '../parts/refusal-list';
import { COLUMNS, StreamTable } from '../parts/stream-table';

/** From this width of the window on there is room for nodes and refusals beside the list. */
const WIDE = '(min-width: 1180px)';

/** Refusals beside the list; their page has all. */
const REFUSALS_BESIDE = 12;

/** What the user looks for; it outlives the page, so that it is still there after a look at one stream. */
let kept: { filter: ListFilter; order: ListOrder } = {
  filter: { search: '', health: undefined, node: undefined },
  order: { column: 'health', descending: false },
};

export function StreamsPage() {
  const { model } = useFleet();
  const [filter, setFilter] = useState(kept.filter);
  const [order, setOrder] = useState(kept.order);
  const isWide = useMedia(WIDE);
  useEffect(() => {
    kept = { filter, order };
  }, [filter, order]);
  const rows = listStreams(model.rows.values(), filter, order);
  const totals = totalsOf(model.rows.values());
  const nodeCount = model.nodes?.nodes.length ?? 1;
  return (
    <div class={isWide ? 'streams-page with-aside' : 'streams-page'}>
      <section class="list" aria-label="Live streams">
        <Toolbar {...{ filter, setFilter, order, setOrder, totals }} />
        {model.unanswered.length === 0 ? null : (
          <p class="notice" role="status">
            Streams may be missing: no answer from {model.unanswered.join(', ')}.
          </p>
        )}
        {rows.length > 0 ? (
          <StreamTable rows={rows} order={order} setOrder={setOrder} withNode={nodeCount > 1} />
        ) : (
          <NothingFound isLoaded={model.loaded} isFiltered={totals.streams > 0} search={filter.search.trim()} />
        )}
      </section>
      {isWide ? <Aside /> : null}
    </div>
  );
}

function Aside() {
  const { model } = useFleet();
  const { refusals } = model;
  return (
    <aside class="aside">
      <section aria-labelledby="nodes-beside">
        <h2 id="nodes-beside">
          <a href={routeHref({ page: 'nodes' })}>Nodes</a>
        </h2>
        <NodeList inShort />
      </section>
      <section aria-labelledby="refusals-beside">
        <h2 id="refusals-beside">
          <a href={routeHref({ page: 'refusals' })}>Refused lately</a>
        </h2>
        <RefusalList refusals={refusals.slice(0, REFUSALS_BESIDE)} />
      </section>
    </aside>
  );
}

interface ToolbarProps {
  readonly filter: ListFilter;
  readonly order: ListOrder;
  readonly totals: Totals;
  readonly setFilter: (filter: ListFilter) => void;
  readonly setOrder: (order: ListOrder) => void;
}

const HEALTH_FILTERS: readonly HealthState[] = ['bad', 'noData', 'ok', 'good'];

function Toolbar({ filter, setFilter, order, setOrder, totals }: ToolbarProps) {
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key !== '/' || isTyping || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      search.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const byHealth = useMemo(() => HEALTH_FILTERS.map((state) => ({ state, count: totals.byHealth[state] })), [totals]);
  return (
    <div class="toolbar">
      <input
        ref={search}
        type="search"
        class="search"
        placeholder="Search channel, id, address, encoder, node"
        aria-label="Search streams"
        aria-keyshortcuts="/"
        value={filter.search}
        onInput={({ currentTarget }) => setFilter({ ...filter, search: currentTarget.value })}
      />
      <div class="chips" role="group" aria-label="Health">
        {byHealth.map(({ state, count }) => (
          <button
            key={state}
            type="button"
            class={`chip chip-${state}`}
            aria-pressed={filter.health === state}
            onClick={() => setFilter({ ...filter, health: filter.health === state ? undefined : state })}
          >
            {HEALTH_NAMES[state]} <span class="number">{formatNumber(count)}</span>
          </button>
        ))}
      </div>
      <label class="sort-choice">
        <span class="for-readers">Sort by</span>
        <select
          value={order.column}
          onChange={({ currentTarget }) => setOrder({ ...order, column: currentTarget.value as SortColumn })}
        >
          {COLUMNS.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <p class="totals">
        <span>{formatCount(totals.streams, 'stream')}</span>
        <span>{formatBitrate(totals.bitrateKbps)}</span>
        <span>{formatCount(totals.players, 'player')}</span>
      </p>
    </div>
  );
}

interface NothingFoundProps {
  readonly isLoaded: boolean;
  readonly isFiltered: boolean;
  readonly search: string;
}

function NothingFound({ isLoaded, isFiltered, search }: NothingFoundProps) {
  if (!isLoaded) return <p class="empty">Loading …</p>;
  return (
    <div class="empty">
      <p>{isFiltered ? 'No live stream matches.' : 'No stream is live.'}</p>
      {/^[\w-]+$/.test(search) ? (
        <p>
          <a href={routeHref({ page: 'stream', channel: search })}>Why is “{search}” not live?</a>
        </p>
      ) : null}
    </div>
  );
}
