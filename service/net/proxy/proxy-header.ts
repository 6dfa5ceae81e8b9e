export interface Endpoint {
  /** In the one spelling of the service: IPv4-mapped IPv6 as IPv4, IPv6 compressed and lower case. */
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** The load balancer speaks for itself, as in a health check: the socket's own addresses are the true ones. */
  | { readonly command: 'local' }
  /** A relayed client. Without a source (its address is unknown to the proxy) the socket's peer is all there is. */
  | {
      readonly command: 'proxy';
      readonly source?: Endpoint;
      readonly destination?: Endpoint;
      /** The AWS VPC endpoint through which a PrivateLink client came. */
      readonly vpcEndpointId?: string;
      /** Whether the client used TLS with the proxy; not there when the proxy does not say. */
      readonly tls?: boolean;
    };

export type ProxyHeaderResult =
  | { readonly kind: 'incomplete' }
  /** `length` bytes are the header; all that follows belongs to the connection. */
  | { readonly kind: 'header'; readonly length: number; readonly header: ProxyHeader };
