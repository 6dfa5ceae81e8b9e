/** The address and names that a client connects with. In a pattern, `{n}` in a name stands for the stream's number. */
export interface StreamAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly app: string;
  readonly streamName: string;
  /** The client's own address; undefined: the system's choice. */
  readonly localAddress?: string;
  /** Sent before the handshake, in hex: a load balancer's PROXY header. */
  readonly preambleHex?: string;
}

/** The address of stream `n`. */
export function addressOf(pattern: StreamAddress, n: number | string): StreamAddress {
  const fill = (name: string): string => name.replace('{n}', String(n));
  return { ...pattern, app: fill(pattern.app), streamName: fill(pattern.streamName) };
}
