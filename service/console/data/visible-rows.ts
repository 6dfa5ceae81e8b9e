/** The rows of a long list that have to exist: those that can be seen, and some above and below for quick scrolling. */
export interface VisibleRows {
  /** Index of the first one. */
  readonly from: number;
  /** Index after the last one. */
  readonly to: number;
}

export interface ListPlace {
  readonly rows: number;
  /** px, the same for each row. */
  readonly rowHeight: number;
  /** How far the list is scrolled, px. */
  readonly scrollTop: number;
  /** Height of the part that can be seen, px. */
  readonly height: number;
}

const SPARE_ROWS = 6;

export function visibleRows({ rows, rowHeight, scrollTop, height }: ListPlace): VisibleRows {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight) - SPARE_ROWS;
  const last = Math.ceil((Math.max(0, scrollTop) + height) / rowHeight) + SPARE_ROWS;
  const to = Math.min(rows, Math.max(0, last));
  return { from: Math.min(Math.max(0, first), to), to };
}

/** The row that a key of the keyboard leads to; undefined: the key has no meaning in a list. */
export function rowAfterKey(key: string, row: number, { rows, rowHeight, height }: ListPlace): number | undefined {
  const page = Math.max(1, Math.floor(height / rowHeight) - 1);
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -Infinity,
    End: Infinity,
  };
  const step = steps[key];
  return step === undefined || rows === 0 ? undefined : Math.min(rows - 1, Math.max(0, row + step));
}
