import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { DeploymentConfig } from '../config/deployment-config';
import type { CommandCache } from '../shared/command-cache';
import { containerPorts } from './ingest-listener';
import { redisEnvironment } from '../shared/redis-environment';
import { type OutputResources, outputsEnvironment } from './outputs-environment';
import { stopTimeoutSeconds } from './stop-timeout';

export interface ServiceEnvironmentProps {
  readonly config: DeploymentConfig;
  readonly cache: CommandCache;
  readonly callbackUrl: string;
  readonly jwtSecret: ISecret;
  readonly ingressCidrs: readonly string[];
  /** Addresses of transcoders that the options name only by security group. */
  readonly innerCidrs: readonly string[];
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
  /** undefined: streams are not written out. */
  readonly outputs: OutputResources | undefined;
}

/**
 * The variables of the service's container. Secrets appear only as ARNs: the service reads them, and again on schedule.
 */
export function serviceEnvironment(props: ServiceEnvironmentProps): Record<string, string> {
  const { config, cache } = props;
  return {
    RTMP_PORT: String(containerPorts.rtmp),
    HTTP_PORT: String(containerPorts.http),
    HTTP_BIND_ADDRESS: '0.0.0.0',
    ...tlsEnvironment(config),
    PROXY_PROTOCOL: 'v2',
    PROXY_TRUSTED: props.ingressCidrs.join(','),
    ...directEnvironment(props),
    MAX_IP_CONCURRENT_CONNECTIONS: String(config.maxConnectionsPerIp),
    ...(config.playAllowedFrom !== undefined && { RTMP_PLAY_WHITELIST: config.playAllowedFrom }),
    GOP_CACHE_SIZE_MB: String(config.gopCacheMb),
    LATENCY_MS: String(config.latencyMs),
    CALLBACK_URL: props.callbackUrl,
    CALLBACK_AUTH: config.callbackAuth,
    CUSTOM_JWT_SUBJECT: config.jwtSubject,
    JWT_SECRET_ARN: props.jwtSecret.secretArn,
    JWT_SECRET_REFRESH_SECONDS: String(config.jwtRefreshSeconds),
    REDIS_USE: 'YES',
    ...redisEnvironment(cache, cache.service, config.redisChannel),
    FLEET: 'YES',
    PUBLISHER_TAKEOVER: config.takeover === 'takeover' ? 'YES' : 'NO',
    RECONNECT_GRACE_SECONDS: String(config.reconnectGraceSeconds),
    FLEET_TASK_PROTECTION: 'YES',
    PROTECTION_MIN_PUBLISHERS: String(config.protectionMinPublishers),
    SLOTS: String(config.slots),
    ...(config.operatorTokenSecretArn !== undefined && { OPERATOR_TOKEN_ARN: config.operatorTokenSecretArn }),
    ...(config.eventBus !== undefined && { EVENTS_BUS_NAME: config.eventBus }),
    ...(props.outputs && outputsEnvironment(config, props.outputs)),
    METRICS_EMF: 'YES',
    METRICS_SERVICE: props.serviceName,
    LOG_FORMAT: 'json',
    // Time for the last stop callbacks between the end of the drain and SIGKILL.
    DRAIN_SECONDS: String(stopTimeoutSeconds - 10),
  };
}

/**
 * A security group names no addresses, so all inner addresses count as those of transcoders, without a PROXY header.
 */
function directEnvironment({ config, innerCidrs }: ServiceEnvironmentProps): Record<string, string> {
  const { transcoderSecurityGroupIds, transcoderCidrs = [] } = config;
  const direct = [...transcoderCidrs, ...(transcoderSecurityGroupIds === undefined ? [] : innerCidrs)];
  return direct.length === 0 ? {} : { PROXY_DIRECT: direct.join(',') };
}

function tlsEnvironment(config: DeploymentConfig): Record<string, string> {
  const { tls, tlsCertSecretArn, tlsKeySecretArn } = config;
  if (tls !== 'service' || tlsCertSecretArn === undefined || tlsKeySecretArn === undefined) return {};
  return {
    SSL_PORT: String(containerPorts.rtmps),
    SSL_CERT_ARN: tlsCertSecretArn,
    SSL_KEY_ARN: tlsKeySecretArn,
  };
}
