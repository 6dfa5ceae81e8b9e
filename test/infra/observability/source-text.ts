import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../../infra/shared/repository';

/** The text of all TypeScript files of a folder. */
export function sourceText(folder: string): string {
  const root = join(repositoryRoot, folder);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.map((name) => readFileSync(join(root, name), 'utf8')).join('\n');
}
