import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '../../..');

/** What service/Dockerfile says of the containers of its image. */
export interface ImageSettings {
  readonly environment: Readonly<Record<string, string>>;
  /** Program and arguments; paths are those within the container. */
  readonly entryPoint: readonly string[];
}

/**
 * Does what the Dockerfile does with its build context: builds the bundle and leaves the files of /app in
 * `directory`/app. Only the packages are taken from here instead of being installed.
 */
export async function buildServiceImage(context: string, directory: string): Promise<void> {
  const dockerfile = readFileSync(join(context, 'service/Dockerfile'), 'utf8');
  const work = mkdtempSync(join(tmpdir(), 'service-image-'));
  try {
    for (const source of copiedSources(dockerfile))
      cpSync(join(context, source), join(work, source), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'));
    const [, program] = required(/^RUN node (\S+)$/m, dockerfile);
    await run(process.execPath, [program], { cwd: work });
    const app = join(directory, 'app');
    mkdirSync(app, { recursive: true });
    const [, copied] = required(/^COPY --from=build (.+) \.\/$/m, dockerfile);
    for (const file of copied.split(' ').flatMap((pattern) => matches(work, pattern))) {
      cpSync(join(work, file), join(app, basename(file)));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function imageSettings(): ImageSettings {
  const dockerfile = readFileSync(join(root, 'service/Dockerfile'), 'utf8');
  const [, variables] = required(/^ENV (.+)$/m, dockerfile);
  const [, entryPoint] = required(/^ENTRYPOINT (\[.+\])$/m, dockerfile);
  return {
    environment: Object.fromEntries(variables.split(' ').map((setting) => setting.split('=') as [string, string])),
    entryPoint: JSON.parse(entryPoint) as string[],
  };
}

/** Files and folders that the first stage copies from the context. */
function copiedSources(dockerfile: string): string[] {
  return [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
}

/** Files of `/build/FOLDER/*.ext` or `/build/FOLDER/name`, from the work's folder. */
function matches(work: string, pattern: string): string[] {
  const [, path] = required(/^\/build\/((?:[\w.-]+\/)*(?:\*\.)?[\w.-]+)$/, pattern);
  if (!basename(path).startsWith('*')) return [path];
  const names = readdirSync(join(work, dirname(path)));
  return names.filter((name) => name.endsWith(basename(path).slice(1))).map((name) => join(dirname(path), name));
}

function required(pattern: RegExp, text: string): [string, string] {
  const match = pattern.exec(text);
  if (match?.[1] === undefined) throw new Error(`service/Dockerfile has changed: nothing in it is ${String(pattern)}`);
  return [match[0], match[1]];
}
