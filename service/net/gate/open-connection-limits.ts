import type { ServiceConfig } from '../../config/service-config';
import { AddressRules } from '../../addresses/address-rules';
import { ConnectionLimits } from './connection-limits';

/** The configured limits per client. */
export function openConnectionLimits(limits: ServiceConfig['limits']): ConnectionLimits {
  return new ConnectionLimits({
    maxPerAddress: limits.maxConnectionsPerIp,
    maxPerSecond: limits.maxConnectsPerIpAndSecond,
    exempt: AddressRules.parse(limits.concurrencyWhitelist),
    now: () => performance.now(),
  });
}
