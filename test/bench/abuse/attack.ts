/** The addresses of the server, and those that the attacker uses. */
export interface AttackTarget {
  readonly host: string;
  readonly port: number;
  /** The RTMPS port; 0 where the scenario has none. */
  readonly tlsPort: number;
  /** The health and metrics port; 0 where the scenario has none. */
  readonly httpPort: number;
  /** The Redis that the server uses; 0 where it uses none. */
  readonly redisPort: number;
  /** The only address that the attacker connects from. */
  readonly localAddress: string;
  /** Sent before the attacker's own bytes, in hex: a load balancer's PROXY header. */
  readonly preambleHex: string;
}

/** The cost of an attack for the attacker. */
export interface AttackCost {
  connections: number;
  /** Bytes given to the attacker's own operating system. */
  bytes: number;
}

/** An attack that is under way. */
export interface AttackContext extends AttackTarget {
  goesOn(): boolean;
  readonly spent: AttackCost;
}

/** An attack by a client that can open connections from one address. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  /** Environment of the server, in addition to the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** The surroundings that the attack needs. */
  readonly needs?: readonly Surrounding[];
  run(context: AttackContext): Promise<void>;
}

/** TLS and HTTP ports, a Redis, a callback handler that takes 0.3 s, a load balancer's PROXY headers. */
export type Surrounding = 'tls' | 'http' | 'redis' | 'callback' | 'proxy';
