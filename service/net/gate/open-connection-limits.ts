import type { ServiceConfig } from '../../config/service-config';
import { ConnectionLimits } from './connection-limits';
import { monotonicNow } from '../../time/clock';

/** The configured limits per client. */
export function openConnectionLimits(limits: ServiceConfig['limits']): ConnectionLimits {
  return new ConnectionLimits({
    maxPerAddress: limits.maxConnectionsPerIp,
    maxPerSecond: limits.maxConnectsPerIpAndSecond,
    exempt: limits.concurrencyWhitelist,
    now: monotonicNow,
  });
}
