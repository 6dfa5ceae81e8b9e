import type { AddressRules } from '../addresses/address-rules';
import type { Environment } from './environment';

export interface ProxyConfig {
  readonly mode: 'v1' | 'v2' | 'any';
  /** Peers whose header is trusted; never empty. */
  readonly trusted: AddressRules;
  /** Peers that connect directly, without a header; never everybody. */
  readonly direct: AddressRules;
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
    if (!trusted.isEmpty) env.warn('PROXY_TRUSTED is not used: PROXY_PROTOCOL is off');
    if (!direct.isEmpty) env.warn('PROXY_DIRECT is not used: PROXY_PROTOCOL is off');
    return undefined;
  }
  const named = /[^\s,]/.test(env.text('PROXY_TRUSTED') ?? '');
  if (!named) env.fault('PROXY_TRUSTED', 'the addresses of the load balancers, as IPs and CIDR ranges');
  if (trusted.allowsEveryone) {
    env.warn('PROXY_TRUSTED is *: anybody who reaches the port can pose as any client address');
  }
  if (direct.allowsEveryone) env.fault('PROXY_DIRECT', 'the addresses of those who come without a header, never all');
  return { mode, trusted, direct };
}
