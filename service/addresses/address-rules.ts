import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net';

/** `::ffff:` and an IPv4 address: how a dual-stack socket names an IPv4 peer (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = '::ffff:';
/** Bits of an IPv6 address before the embedded IPv4 one. */
const MAPPED_BITS = 96;

/** An entry of an address list is neither an IP, a CIDR nor `*`. `entry` is the text as it was given. */
export class AddressRuleError extends Error {
  override readonly name = 'AddressRuleError';

  constructor(readonly entry: string) {
    super(`"${entry}" is not an IP address, a CIDR range or *`);
  }
}

/**
 * The form of an address that the service uses for limits, rules, tokens and logs: IPv4-mapped IPv6 becomes
 * plain IPv4, the zone index of a link-local address is cut, IPv6 is compressed and lower case. Text that is not an
 * address is returned as it is.
 */
export function normalizeAddress(ip: string): string {
  if (isIPv4(ip) || !isIPv6(ip)) return ip;
  const zone = ip.indexOf('%');
  const address = zone < 0 ? ip : ip.slice(0, zone);
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  const tail = canonical.slice(MAPPED_PREFIX.length);
  return canonical.startsWith(MAPPED_PREFIX) && isIPv4(tail) ? tail : canonical;
}

/**
 * A list of IPs and CIDR ranges, IPv4 and IPv6, parsed once at start.
 *
 * Each family has its own BlockList: one list would let an IPv6 range such as `::/0` answer for IPv4 peers, because
 * node compares the families through the mapped form.
 */
export class AddressRules {
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();
  #everyone = false;

  /** @param entries as they were given */
  private constructor(readonly entries: readonly string[]) {}

  /**
   * Entries are trimmed and empty ones skipped; `*` stands for every address. Bits after the prefix are ignored, as
   * in `10.1.2.3/8`.
   *
   * @throws AddressRuleError naming the first entry that cannot be used
   */
  static parse(entries: readonly string[]): AddressRules {
    const given = entries.map((entry) => entry.trim()).filter((entry) => entry !== '');
    const rules = new AddressRules(given);
    for (const entry of given) rules.#add(entry);
    return rules;
  }

  /** True when no entry was given; the caller decides whether that means nobody or everybody. */
  get isEmpty(): boolean {
    return this.entries.length === 0;
  }

  /** Whether the list holds `*`. */
  get allowsEveryone(): boolean {
    return this.#everyone;
  }

  /** Whether an entry covers the address. False for text that is no address, unless the list holds `*`. */
  allows(ip: string): boolean {
    if (this.#everyone) return true;
    const address = normalizeAddress(ip);
    if (isIPv4(address)) return this.#ipv4.check(address, 'ipv4');
    return isIPv6(address) && this.#ipv6.check(address, 'ipv6');
  }

  #add(entry: string): void {
    if (entry === '*') {
      this.#everyone = true;
      return;
    }
    const slash = entry.indexOf('/');
    const base = slash < 0 ? entry : entry.slice(0, slash);
    if (isIP(base) === 0 || base.includes('%')) throw new AddressRuleError(entry);
    const bits = isIPv4(base) ? 32 : 128;
    const prefix = slash < 0 ? bits : parsePrefix(entry.slice(slash + 1), bits);
    if (prefix === undefined) throw new AddressRuleError(entry);

    const address = normalizeAddress(base);
    if (!isIPv4(address)) this.#ipv6.addSubnet(address, prefix, 'ipv6');
    else if (bits === 32) this.#ipv4.addSubnet(address, prefix, 'ipv4');
    else if (prefix >= MAPPED_BITS) this.#ipv4.addSubnet(address, prefix - MAPPED_BITS, 'ipv4');
    else this.#ipv6.addSubnet(base, prefix, 'ipv6');
  }
}

function parsePrefix(text: string, bits: number): number | undefined {
  if (!/^\d{1,3}$/.test(text)) return undefined;
  const prefix = Number(text);
  return prefix <= bits ? prefix : undefined;
}
