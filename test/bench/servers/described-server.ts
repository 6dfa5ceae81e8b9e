import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { LaunchOptions, LaunchPlan, ServerKind } from './server-kind';

/**
 * A file that says how some RTMP server is started. `{port}` and `{directory}` in a text stand for the port of 127.0.0.1
 * that it has to listen on and for an empty directory of the run, in which it is started.
 */
const serverDescription = z.strictObject({
  name: z.string().min(1),
  /** A program and its arguments, which print the version. */
  version: z.array(z.string()).min(1),
  /** The server and its arguments. It has to stay in the foreground. */
  command: z.array(z.string()).min(1),
  /** Files that are written into the directory before, each as its lines. */
  files: z.record(z.string().regex(/^[^/]+$/), z.array(z.string())).default({}),
  /** Environment, in addition to PATH. */
  env: z.record(z.string(), z.string()).default({}),
  /** How long after its publishers the server needs before it lets players in. */
  playersAfterSeconds: z.number().positive().optional(),
  /** Where streams are published and played; `{n}` stands for the stream's number. */
  stream: z.string().regex(/^rtmp:\/\/127\.0\.0\.1:\{port\}\/[^/]+\/[^/]*\{n\}[^/]*$/),
});

/** The server that a JSON file describes. Throws when the file does not. */
export function describedServer(file: string): ServerKind {
  const parsed = serverDescription.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} describes no server:\n${z.prettifyError(parsed.error)}`);
  const { name, version, command, files, env, playersAfterSeconds, stream } = parsed.data;
  const [, app = '', streamName = ''] = /\/([^/]+)\/([^/]+)$/.exec(stream) ?? [];
  return {
    name,
    ours: false,
    names: { app, streamName },
    playersAfterSeconds,
    version: () => printed(name, version),
    prepare({ port, directory }: LaunchOptions): LaunchPlan {
      const fill = (text: string): string =>
        text.replaceAll('{port}', String(port)).replaceAll('{directory}', directory);
      for (const [path, lines] of Object.entries(files)) {
        writeFileSync(join(directory, path), lines.map((line) => `${fill(line)}\n`).join(''));
      }
      const [program = '', ...args] = command.map(fill);
      const filledEnv = Object.entries(env).map(([variable, value]): [string, string] => [variable, fill(value)]);
      return { command: program, args, env: Object.fromEntries(filledEnv) };
    },
  };
}

/** What the command prints, on one line. */
function printed(name: string, [program = '', ...args]: readonly string[]): string {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error) throw new Error(`${name} is not installed: ${error.message}`);
  return `${stdout}${stderr}`.trim().replace(/\s+/g, ' ');
}
