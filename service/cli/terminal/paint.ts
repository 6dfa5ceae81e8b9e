export type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** Colours a text, if the output can show it. */
export type Paint = (text: string, colour?: Colour) => string;

const CODES: Readonly<Record<Colour, string>> = { green: '32', yellow: '33', red: '31', dim: '2', bold: '1' };

/** With the escape sequences that terminals understand. */
export const colourful: Paint = (text, colour) =>
  colour === undefined || text === '' ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;

export const colourless: Paint = (text) => text;
