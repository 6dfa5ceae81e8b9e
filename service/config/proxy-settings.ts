import type { Environment } from './environment';

export interface ProxyConfig {
  readonly mode: 'v1' | 'v2' | 'any';
  /** Peers whose header is trusted: IPs and CIDRs, or `*`; already checked, never empty. */
  readonly trusted: readonly string[];
  /** Peers that connect directly, without a header: IPs and CIDRs, already checked. */
  readonly direct: readonly string[];
}

/**
 * Whether connections begin with a PROXY protocol header. A peer that may send a header can pose as any address, so the
 * load balancers have to be named.
 */
export function readProxySettings(env: Environment): ProxyConfig | undefined {
  const mode = env.choice('PROXY_PROTOCOL', ['off', 'v1', 'v2', 'any'], 'off');
  const trusted = env.addresses('PROXY_TRUSTED');
  const direct = env.addresses('PROXY_DIRECT');
  if (mode === 'off') {
    if (trusted.length > 0) env.warn('PROXY_TRUSTED is not used: PROXY_PROTOCOL is off');
    if (direct.length > 0) env.warn('PROXY_DIRECT is not used: PROXY_PROTOCOL is off');
    return undefined;
  }
  const named = /[^\s,]/.test(env.text('PROXY_TRUSTED') ?? '');
  if (!named) env.fault('PROXY_TRUSTED', 'the addresses of the load balancers, as IPs and CIDR ranges');
  if (trusted.includes('*')) {
    env.warn('PROXY_TRUSTED is *: whoever reaches the port can pose as any client address');
  }
  if (direct.includes('*')) env.fault('PROXY_DIRECT', 'the addresses of those who come without a header, never all');
  return { mode, trusted, direct };
}
