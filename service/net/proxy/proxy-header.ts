export interface Endpoint {
  /** As the service spells addresses: IPv4-mapped IPv6 as IPv4, IPv6 compressed and lower case. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** The load balancer's own connection, such as a health check: the socket's addresses are the true ones. */
  | { readonly command: 'local' }
  /** A client's connection. Without a source (the proxy does not know the address) only the socket's peer is known. */
  | {
      readonly command: 'proxy';
      readonly source?: Endpoint;
      readonly destination?: Endpoint;
      /** The AWS VPC endpoint through which a PrivateLink client came. */
      readonly vpcEndpointId?: string;
      /** Whether the client used TLS with the proxy; absent when the proxy does not say. */
      readonly tls?: boolean;
    };

export type ProxyHeaderResult =
  | { readonly kind: 'incomplete' }
  /** `length` bytes are the header; all that follows belongs to the connection. */
  | { readonly kind: 'header'; readonly length: number; readonly header: ProxyHeader };
