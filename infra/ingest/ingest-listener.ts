import type { DeploymentConfig } from '../config/deployment-config';

/** Ports inside the container: all above 1024, as it does not run as root. */
export const containerPorts = { rtmp: 1935, rtmps: 8443, http: 8080 } as const;

/** One port that streamers connect to. */
export interface IngestListener {
  /** `rtmp`, or `rtmps` with the port when it is not 443: the start of construct ids and the canary target's name. */
  readonly name: string;
  readonly port: number;
  /** TLS ends at the load balancer; TCP is forwarded unchanged. */
  readonly protocol: 'TCP' | 'TLS';
  readonly targetPort: number;
  readonly scheme: 'rtmp' | 'rtmps';
}

/** The configured listeners: plain RTMP, and one for each RTMPS port. */
export function ingestListeners(config: Pick<DeploymentConfig, 'tls' | 'plainRtmp' | 'rtmpsPorts'>): IngestListener[] {
  const listeners: IngestListener[] = [];
  if (config.plainRtmp) {
    listeners.push({ name: 'rtmp', port: 1935, protocol: 'TCP', targetPort: containerPorts.rtmp, scheme: 'rtmp' });
  }
  if (config.tls === 'none') return listeners;
  const atBalancer = config.tls === 'nlb';
  for (const port of config.rtmpsPorts) {
    listeners.push({
      name: port === 443 ? 'rtmps' : `rtmps-${port}`,
      port,
      protocol: atBalancer ? 'TLS' : 'TCP',
      targetPort: atBalancer ? containerPorts.rtmp : containerPorts.rtmps,
      scheme: 'rtmps',
    });
  }
  return listeners;
}
