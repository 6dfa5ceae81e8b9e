import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../infra/shared/repository';

/** A document of the repository. */
export interface Document {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** The rows of a table below its head, as the cells' texts. */
export type Row = readonly string[];

const NOT_OURS = new Set(['node_modules', '.build', '.git', 'cdk.out']);

export function readDocument(path: string): Document {
  return { path, text: readFileSync(join(repositoryRoot, path), 'utf8') };
}

/** Every Markdown file of the repository. */
export function documents(): Document[] {
  return markdownFiles('').map(readDocument);
}

/** The text from a heading, given with its number signs, to the next one of the same or a higher level. */
export function section({ path, text }: Document, heading: string): string {
  const lines = text.split('\n');
  const prose = proseLines(text);
  const from = prose.indexOf(heading);
  if (from < 0) throw new Error(`${path} has no heading "${heading}"`);
  const level = heading.indexOf(' ');
  const isNext = (line: string): boolean => /^#+ /.test(line) && line.indexOf(' ') <= level;
  const length = prose.slice(from + 1).findIndex(isNext);
  return lines.slice(from, length < 0 ? undefined : from + 1 + length).join('\n');
}

/** The rows of all tables in a text whose first head cell is this one. */
export function tableRows(text: string, firstHead: string): Row[] {
  const found: Row[] = [];
  let wanted = false;
  let before: Row | undefined;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) {
      before = undefined;
      wanted = false;
      continue;
    }
    const cells = cellsOf(line);
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) wanted = before?.[0] === firstHead;
    else if (wanted) found.push(cells);
    before = cells;
  }
  return found;
}

/** The texts in backticks. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}

/** The lines of the blocks that show commands: those in ```sh, and indented ones. Continued lines are joined. */
export function shownCommands({ text }: Document): string[] {
  const fenced = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  const indented = [...withoutFences(text).matchAll(/\n\n((?: {4}\S.*\n?)+)/g)].map(([, block = '']) => block);
  return [...fenced, ...indented]
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .map((line) =>
      line
        .replace(/\s+#.*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '');
}

export function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function markdownFiles(folder: string): string[] {
  return readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The lines, with code blocks blanked: a comment in them is no heading. */
function proseLines(text: string): string[] {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/.+/g, '')).split('\n');
}

/** `\|` is part of a cell. */
function cellsOf(line: string): Row {
  return line
    .slice(1)
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}
