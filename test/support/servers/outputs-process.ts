import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../../../service/http/api/schemas/event';
import type { ServerProcess } from './server-process';
import { workersOf } from './worker-processes';

/** Process id of the `rtmp-outputs` that a server runs as a child; undefined while there is none. */
export function outputsPid(server: ServerProcess): number | undefined {
  return workersOf(server).find((pid) => commandLineOf(pid).some((part) => part.endsWith('rtmp-outputs.cjs')));
}

export function commandLineOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
}

/** Not so a process that has ended and that its parent has not asked about. */
export function isRunning(pid: number): boolean {
  try {
    return commandLineOf(pid).join('') !== '';
  } catch {
    return false;
  }
}

/** Events that the server still has. */
export async function eventsOf(server: ServerProcess): Promise<Event[]> {
  const response = await fetch(server.httpUrl('/api/v1/events'), { headers: { accept: 'application/json' } });
  return ((await response.json()) as { events: Event[] }).events;
}

/** Calls back until it gives a value; for what has no event. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${String(look)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The first event of this type, now or later. */
export function eventOf<T extends Event['type']>(
  server: ServerProcess,
  type: T,
  fits: (event: Extract<Event, { type: T }>) => boolean = () => true,
): Promise<Extract<Event, { type: T }>> {
  const isWanted = (event: Event): event is Extract<Event, { type: T }> =>
    event.type === type && fits(event as Extract<Event, { type: T }>);
  return until(async () => (await eventsOf(server)).find(isWanted));
}

/** All files below a folder with this ending, by name. */
export function filesBelow(folder: string, ending: string): string[] {
  // The folder is made with the first file.
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => join(folder, name));
}
