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
  /** Where players get the stream as FLV; undefined: they use RTMP. */
  readonly flv?: { readonly port: number; readonly isWebSocket: boolean } | undefined;
}

/** The address of stream `n`. */
export function addressOf(pattern: StreamAddress, n: number | string): StreamAddress {
  const fill = (name: string): string => name.replace('{n}', String(n));
  return { ...pattern, app: fill(pattern.app), streamName: fill(pattern.streamName) };
}
