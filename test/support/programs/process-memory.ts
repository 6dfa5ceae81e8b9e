import { readFileSync } from 'node:fs';

/** Resident memory of a process of this machine (Linux), in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`process ${pid} has no memory: it has ended`);
  return Number(match[1]) * 1024;
}
