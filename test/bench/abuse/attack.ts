/** The addresses of the server, and those that the attacker uses. */
export interface AttackTarget {
  readonly host: string;
  readonly port: number;
  /** The RTMPS port; 0 where the scenario has none. */
  readonly tlsPort: number;
  /** The HTTP port; 0 where the scenario has none. */
  readonly httpPort: number;
  /** The Redis that the server uses; 0 where it uses none. */
  readonly redisPort: number;
  /** The address that the attacker connects from, unless the attack is about many of them. */
  readonly localAddress: string;
  /** Sent before the attacker's own bytes, in hex: a load balancer's PROXY header. */
  readonly preambleHex: string;
}

/** The cost of an attack for the attacker. */
export interface AttackCost {
  connections: number;
  /** Bytes given to the attacker's own operating system. */
  bytes: number;
  /** CPU seconds per second of the attacker's process. */
  cpuShare: number;
}

/** An attack that is under way. */
export interface AttackContext extends AttackTarget {
  goesOn(): boolean;
  readonly spent: AttackCost;
}

/** One row of the price list. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  /** The settings and constants that bound it. */
  readonly bound: string;
  /** Environment of the server, in addition to the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** The surroundings that the attack needs. */
  readonly needs?: readonly Surrounding[];
  /** How the callback handler answers, other than with 200 after 0.3 s. */
  readonly handler?: HandlerManner;
  /** Most descriptors that the server may open (`ulimit -n`). */
  readonly descriptors?: number;
  run(context: AttackContext): Promise<void>;
}

/**
 * TLS and HTTP ports, a Redis, a callback handler that takes 0.3 s, a load balancer's PROXY headers, and many IPv6
 * addresses.
 */
export type Surrounding = 'tls' | 'http' | 'redis' | 'callback' | 'proxy' | 'ipv6';

/** `refuses`: 403, at once. The others are what a handler that was taken over might answer. */
export type HandlerManner = 'accepts' | 'refuses' | 'huge' | 'trickles' | 'headers' | 'redirects' | 'odd' | 'silent';
