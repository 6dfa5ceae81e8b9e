import { isIP } from 'node:net';

/** `name:port`, `[address]:port`, or either without a port. */
const HOST = /^(?:\[(?<address>[0-9a-f:.]+)\]|(?<name>[^:[\]]*))(?::\d*)?$/;

/**
 * The host names under which a browser may read the pages about clients. A web page that points its own name at this
 * machine (DNS rebinding) could otherwise read them through the browser of somebody on the same network. Such a page's
 * name has a dot and is not in the list; it cannot be an IP address or `localhost`, and hardly any public page has a
 * name without a dot.
 */
export class AllowedHosts {
  readonly #names: ReadonlySet<string>;

  /** @param names host names without port; `*`: every name */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(plainName));
  }

  /** @param host the Host header; undefined: the client sent none, so it is no browser */
  allows(host: string | undefined): boolean {
    if (host === undefined || this.#names.has('*')) return true;
    const { address, name } = HOST.exec(host.trim().toLowerCase())?.groups ?? {};
    if (address !== undefined) return isIP(address) === 6;
    if (name === undefined) return false;
    const plain = plainName(name);
    return isIP(plain) === 4 || !plain.includes('.') || plain.endsWith('.localhost') || this.#names.has(plain);
  }
}

/** Lower case, without the dot that ends a full name. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
