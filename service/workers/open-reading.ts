import { SecretSource } from '../aws/secret-source';
import { SecretsManager } from '../aws/secrets-manager';
import type { ServiceConfig } from '../config/service-config';
import { FleetReader } from '../http/api/fleet-reader';
import type { Machine } from '../http/api/machine';
import type { Logger } from '../logging/logger';
import { ReadChannel } from '../operators/read-channel';

/** Answers, for all workers, what operators' programs read through the command channel; undefined without Redis. */
export function openReading(
  { redis, secretRefreshMs }: Pick<ServiceConfig, 'redis' | 'secretRefreshMs'>,
  machine: Machine,
  log: Logger,
): { close(): Promise<void> } | undefined {
  if (redis === undefined) return undefined;
  const { password } = redis;
  const secrets = new SecretsManager();
  const source =
    typeof password === 'object'
      ? new SecretSource({
          name: 'REDIS_PASSWORD_ARN',
          read: () => secrets.read(password),
          refreshMs: secretRefreshMs,
          log,
        })
      : undefined;
  const reader = new FleetReader(machine, log);
  const channel = new ReadChannel({ config: redis, password: source, log, reader });
  return {
    async close() {
      await channel.close();
      reader.close();
      source?.close();
      secrets.close();
    },
  };
}
