import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from '../support/servers/server-process';

/** One import statement, those of types included; paths are relative to the root of the repository. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

/** The source files below these folders, as paths relative to the root of the repository. */
export function sourceFiles(...folders: readonly string[]): string[] {
  const options = { cwd: repositoryRoot, encoding: 'utf8' } as const;
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...folders], options);
  return listed
    .split('\n')
    .filter((path) => /\.(?:tsx?|mjs)$/.test(path) && existsSync(join(repositoryRoot, path)))
    .sort();
}

/** What these files import from other files of the repository. */
export function importsOf(files: readonly string[]): Import[] {
  return files.flatMap((from) => {
    const text = readFileSync(join(repositoryRoot, from), 'utf8');
    const { importedFiles } = ts.preProcessFile(text, true, true);
    return importedFiles
      .filter(({ fileName }) => fileName.startsWith('.'))
      .map(({ fileName }) => ({ from, to: resolve(normalize(join(dirname(from), fileName))) }));
  });
}

function resolve(path: string): string {
  const found = [path, `${path}.ts`, `${path}.tsx`].find(
    (candidate) => /\.\w+$/.test(candidate) && existsSync(join(repositoryRoot, candidate)),
  );
  return found ?? path;
}

/** The members of a circle in the order in which they lead to each other; undefined when there is none. */
export function findCircle(imports: readonly Import[]): string[] | undefined {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (from === to) continue;
    const known = targets.get(from);
    if (known === undefined) targets.set(from, new Set([to]));
    else known.add(to);
  }
  const finished = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(node);
    if (at >= 0) return [...path.slice(at), node];
    if (finished.has(node)) return undefined;
    for (const target of targets.get(node) ?? []) {
      const circle = visit(target, [...path, node]);
      if (circle !== undefined) return circle;
    }
    finished.add(node);
    return undefined;
  };
  for (const node of targets.keys()) {
    const circle = visit(node, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
