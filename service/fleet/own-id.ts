import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The process that a container runs first. */
const INIT = 1;

/**
 * A name that no other node has, as far as can be told without asking: host and process. Containers of one host that
 * share its name are told apart by their namespaces, for in each of them the server may be process 1.
 *
 * @param readNamespace throws where there is no such thing
 */
export function ownId(pid: number, readNamespace = () => readlinkSync('/proc/self/ns/pid')): string {
  const id = `${hostname()}.${pid}`;
  if (pid !== INIT) return id;
  try {
    const number = /\d+/.exec(readNamespace())?.[0];
    return number === undefined ? id : `${id}.${number}`;
  } catch {
    return id;
  }
}
