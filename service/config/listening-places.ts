import type { Environment } from './environment';

/** Where a server listens. */
export interface Place {
  /** 0: any free port. */
  readonly port: number;
  /** undefined: all interfaces, dual stack. */
  readonly bindAddress: string | undefined;
}

const ALL_INTERFACES: readonly (string | undefined)[] = [undefined, '0.0.0.0', '::'];

/** Whether a listener with this address is reached by each address of the machine. */
export function isEveryInterface(bindAddress: string | undefined): boolean {
  return ALL_INTERFACES.includes(bindAddress);
}

/**
 * Notes a fault when two listeners would have the same port. Checked here, because "address in use" at the start makes
 * people look for another process. `places` with the variable that holds the port.
 */
export function refuseSharedPorts(
  env: Environment,
  places: readonly (readonly [name: string, place: Place | undefined])[],
): void {
  const taken: { readonly name: string; readonly place: Place }[] = [];
  for (const [name, place] of places) {
    if (place === undefined || place.port === 0) continue;
    const other = taken.find((former) => collide(former.place, place));
    if (other !== undefined) env.fault(name, 'a port of its own', `${place.port} is the port of ${other.name} too`);
    taken.push({ name, place });
  }
}

function collide(one: Place, other: Place): boolean {
  const everywhere = isEveryInterface(one.bindAddress) || isEveryInterface(other.bindAddress);
  return one.port === other.port && (everywhere || one.bindAddress === other.bindAddress);
}
