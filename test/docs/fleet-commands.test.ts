import { expect, test } from '@jest/globals';
import { readCommandLine } from '../../service/cli/command-line/command-line';
import { readDocument } from './markdown';

/** The arguments of each `npm run fleet -- …` in a text, and those in the column of the table of tasks. */
function commandLines(text: string): string[] {
  const inSentences = [...text.matchAll(/npm run (?:-s )?fleet -- ([a-z][^`#\n]*)/g)].map(([, args = '']) => args);
  const rows = [...text.matchAll(/^\|[^|]*\|[^|]*\|([^|]*)\| `(?:GET|POST)|^\|[^|]*\|[^|]*\|([^|]*)\| `health`/gm)];
  const inTable = rows.flatMap(([, cell = '', other = '']) => [...(cell + other).matchAll(/`([^`]+)`/g)]);
  return [...inSentences, ...inTable.map(([, args = '']) => args)].map((line) => line.trim());
}

test.each(['README.md', 'infra/README.md'])('the program understands every command of %s', (path) => {
  const lines = commandLines(readDocument(path).text);
  expect(lines.length).toBeGreaterThan(path === 'README.md' ? 12 : 0);
  const refused = lines.filter((line) => readCommandLine(line.split(/\s+/)).does !== 'run');
  expect(refused).toEqual([]);
});
