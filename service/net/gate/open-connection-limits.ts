import type { ServiceConfig } from '../../config/service-config';
import { AddressRules } from '../../addresses/address-rules';
import { ConnectionLimits } from './connection-limits';

/** The limits per client that the settings ask for. */
export function openConnectionLimits(limits: ServiceConfig['limits']): ConnectionLimits {
  return new ConnectionLimits({
    maxPerAddress: limits.maxConnectionsPerIp,
    maxPerSecond: limits.maxConnectsPerIpAndSecond,
    exempt: AddressRules.parse(limits.concurrencyWhitelist),
    now: () => performance.now(),
  });
}
