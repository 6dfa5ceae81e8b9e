import { cutToWidth, displayWidth, padToWidth } from './display-width';
import { plainText } from './plain-text';
import type { Colour, Paint } from './paint';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** Numbers stand on the right. */
  readonly align?: 'left' | 'right';
  /** How much it may be shortened (columns of the terminal); default: not at all. */
  readonly minWidth?: number;
  /** Where the table is too wide, columns are left out, the highest number first; default 0: never. */
  readonly leaveOut?: number;
  readonly colour?: (row: Row) => Colour | undefined;
}

const GAP = 2;

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  width: number;
}

/**
 * A table as lines. With a `width`, it is made to fit: long cells are cut, then columns are left out, and at last the
 * lines are cut.
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  paint: Paint,
  width?: number,
): readonly string[] {
  let laid: Laid<Row>[] = columns.map((column) => {
    const cells = rows.map((row) => plainText(column.text(row)));
    return { column, cells, width: Math.max(...[column.title, ...cells].map(displayWidth)) };
  });
  if (width !== undefined) laid = fit(laid, width);
  const line = (
    cellOf: (column: Laid<Row>) => string,
    colourOf?: (column: Column<Row>) => Colour | undefined,
  ): string =>
    laid
      .map((one, index) => {
        const cell = cutToWidth(cellOf(one), one.width);
        const isLast = index === laid.length - 1 && one.column.align !== 'right';
        const padded = isLast ? cell : padToWidth(cell, one.width, one.column.align === 'right' ? 'left' : 'right');
        return paint(padded, colourOf?.(one.column));
      })
      .join(' '.repeat(GAP));
  const head = line(
    ({ column }) => column.title,
    () => 'dim',
  );
  return [
    head,
    ...rows.map((row, index) =>
      line(
        ({ cells }) => cells[index] ?? '',
        (column) => column.colour?.(row),
      ),
    ),
  ];
}

function fit<Row>(all: Laid<Row>[], width: number): Laid<Row>[] {
  let laid = all;
  const excess = (): number => laid.reduce((sum, one) => sum + one.width, GAP * (laid.length - 1)) - width;
  for (;;) {
    // What could be cut at most decides whether a column has to go; only then are cells cut.
    const spare = laid.reduce((sum, one) => sum + Math.max(0, one.width - (one.column.minWidth ?? one.width)), 0);
    if (excess() <= spare) break;
    const most = Math.max(...laid.map(({ column }) => column.leaveOut ?? 0));
    if (most === 0) break;
    laid = laid.filter(({ column }) => (column.leaveOut ?? 0) !== most);
  }
  while (excess() > 0) {
    const cuttable = laid.filter((one) => one.width > (one.column.minWidth ?? Infinity));
    const widest = cuttable.sort((a, b) => b.width - a.width)[0] ?? laid.at(-1);
    if (widest === undefined || widest.width === 0) break;
    widest.width -= cuttable.length > 0 ? 1 : Math.min(excess(), widest.width);
  }
  return laid;
}
