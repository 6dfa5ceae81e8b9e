/** Where an attacker finds the server, and as whom it comes. */
export interface AttackTarget {
  readonly host: string;
  readonly port: number;
  /** The RTMPS port; 0 where the scenario has none. */
  readonly tlsPort: number;
  /** The health and metrics port; 0 where the scenario has none. */
  readonly httpPort: number;
  /** The Redis that the server uses; 0 where it uses none. */
  readonly redisPort: number;
  /** The one address that the attacker comes from. */
  readonly localAddress: string;
  /** Comes before the attacker's own bytes, in hex: a load balancer's PROXY header. */
  readonly preambleHex: string;
}

/** What an attack has cost who made it. */
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

/** One thing that somebody who can open connections from one address may try. */
export interface Attack {
  readonly name: string;
  readonly title: string;
  /** Environment of the server beside the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** What else has to run for it. */
  readonly needs?: readonly Surrounding[];
  run(context: AttackContext): Promise<void>;
}

/** TLS and HTTP ports, a Redis, a callback handler that takes 0.3 s, a load balancer's PROXY headers. */
export type Surrounding = 'tls' | 'http' | 'redis' | 'callback' | 'proxy';
