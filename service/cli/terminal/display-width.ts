/** Characters that terminals show two columns wide. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60\uffe0-\uffe6\u3000-\u303e]/u;
/** Characters that are drawn onto the one before them. */
const COMBINING = /\p{M}/u;
const ELLIPSIS = '…';

/** How many columns of a terminal the text takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The text, cut to so many columns; an ellipsis shows that something is missing. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let cut = '';
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > columns - 1) break;
    cut += character;
  }
  return columns > 0 ? `${cut}${ELLIPSIS}` : '';
}

/** The text, filled up with spaces to so many columns. */
export function padToWidth(text: string, columns: number, side: 'left' | 'right' = 'right'): string {
  const filling = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return side === 'right' ? `${text}${filling}` : `${filling}${text}`;
}

function widthOf(character: string): number {
  if (COMBINING.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
