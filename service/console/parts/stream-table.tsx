import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { StreamRow } from '../data/fleet-model';
import { type ListOrder, orderAfterClick, type SortColumn } from '../data/stream-list';
import { rowAfterKey, visibleRows } from '../data/visible-rows';
import { useMedia } from './console-context';
import { StreamTableRow } from './stream-table-row';

export interface StreamTableProps {
  readonly rows: readonly StreamRow[];
  readonly order: ListOrder;
  /** A fleet of one node has no use for this column. */
  readonly withNode: boolean;
  readonly setOrder: (order: ListOrder) => void;
}

export const COLUMNS: readonly { readonly id: SortColumn; readonly name: string }[] = [
  { id: 'channel', name: 'Channel' },
  { id: 'health', name: 'Health' },
  { id: 'bitrate', name: 'Bitrate' },
  { id: 'video', name: 'Media' },
  { id: 'keyframes', name: 'Keyframes' },
  { id: 'players', name: 'Players' },
  { id: 'source', name: 'From' },
  { id: 'node', name: 'Node' },
  { id: 'since', name: 'Live for' },
];

/** Below this width of the window a row is a card of two lines; console.css has the same number. */
const PHONE = '(max-width: 700px)';
const ROW_HEIGHT = { table: 52, phone: 76 };

/** Height of the column heads, which cover the top of the list. */
const HEAD_HEIGHT = 34;

/** The live streams. Only the rows that can be seen exist, so thousands of streams cost as much as a screenful. */
export function StreamTable({ rows, order, withNode, setOrder }: StreamTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const isPhone = useMedia(PHONE);
  const rowHeight = isPhone ? ROW_HEIGHT.phone : ROW_HEIGHT.table;
  const [scrollTop, setScrollTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [active, setActive] = useState<string>();
  const toFocus = useRef<string>(undefined);

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const resized = new ResizeObserver(() => setHeight(element.clientHeight));
    resized.observe(element);
    return () => resized.disconnect();
  }, []);

  const place = { rows: rows.length, rowHeight, scrollTop, height };
  const { from, to } = visibleRows(place);
  const activeAt = active === undefined ? -1 : rows.findIndex(({ stream }) => stream.channel === active);
  const focusable = activeAt >= 0 ? activeAt : from;
  const shown = rows.slice(from, to).map((row, index) => ({ row, index: from + index }));
  const activeRow = rows[activeAt];
  // The row with the focus stays, wherever the list is scrolled to.
  if (activeRow !== undefined && (activeAt < from || activeAt >= to)) shown.push({ row: activeRow, index: activeAt });

  useLayoutEffect(() => {
    if (toFocus.current === undefined) return;
    const wanted = toFocus.current;
    toFocus.current = undefined;
    for (const link of scroller.current?.querySelectorAll<HTMLElement>('[data-channel]') ?? []) {
      if (link.dataset['channel'] === wanted) link.focus({ preventScroll: true });
    }
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    if (target.dataset['channel'] === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = rowAfterKey(event.key, Math.max(0, focusable), { ...place, height: height - HEAD_HEIGHT });
    const row = next === undefined ? undefined : rows[next];
    if (next === undefined || row === undefined) return;
    event.preventDefault();
    toFocus.current = row.stream.channel;
    setActive(row.stream.channel);
    reveal(scroller.current, next * rowHeight, rowHeight, isPhone ? 0 : HEAD_HEIGHT);
  };

  return (
    <div
      ref={scroller}
      class={withNode ? 'streams' : 'streams streams-of-one-node'}
      role="grid"
      aria-label="Live streams"
      aria-rowcount={rows.length + 1}
      onScroll={({ currentTarget }) => setScrollTop(currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div role="rowgroup" class="streams-head">
        <div role="row" aria-rowindex={1} class="streams-row">
          {COLUMNS.map(({ id, name }) => (
            <ColumnHead key={id} id={id} name={name} order={order} setOrder={setOrder} />
          ))}
        </div>
      </div>
      <div role="rowgroup" class="streams-body" style={{ height: `${rows.length * rowHeight}px` }}>
        {shown.map(({ row, index }) => (
          <StreamTableRow
            key={row.stream.channel}
            row={row}
            index={index}
            top={index * rowHeight}
            isFocusable={index === focusable}
            onFocus={setActive}
          />
        ))}
      </div>
    </div>
  );
}

interface ColumnHeadProps {
  readonly id: SortColumn;
  readonly name: string;
  readonly order: ListOrder;
  readonly setOrder: (order: ListOrder) => void;
}

function ColumnHead({ id, name, order, setOrder }: ColumnHeadProps) {
  const isSorted = order.column === id;
  const direction = order.descending ? 'descending' : 'ascending';
  return (
    <div role="columnheader" class={`cell cell-${id}`} {...(isSorted ? { 'aria-sort': direction } : {})}>
      <button type="button" class="head" onClick={() => setOrder(orderAfterClick(order, id))}>
        {name}
        <svg viewBox="0 0 8 8" aria-hidden="true" class={isSorted ? `sorted sorted-${direction}` : 'sorted'}>
          <path d="M1 5.5 4 2.5 7 5.5" />
        </svg>
      </button>
    </div>
  );
}

/** Scrolls as little as needed to show a row. */
function reveal(scroller: HTMLElement | null, top: number, rowHeight: number, headHeight: number): void {
  if (scroller === null) return;
  const room = scroller.clientHeight - headHeight;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + rowHeight > scroller.scrollTop + room) scroller.scrollTop = top + rowHeight - room;
}
