import { messageOf } from '../../errors/error-text';
import type { StoredSecret } from '../../config/stored-secret';
import type { Examination } from './examination';
import { failed, type Finding, passed, skipped } from './finding';

/** Reads every secret that the settings name. */
export async function checkSecrets({ config, readSecret }: Examination): Promise<readonly Finding[]> {
  const { callback, redis, tls } = config;
  const named: readonly (readonly [string, unknown])[] = [
    ['JWT_SECRET_ARN', callback?.jwtSecret],
    ['REDIS_PASSWORD_ARN', redis?.password],
    ['SSL_CERT_ARN', tls?.cert],
    ['SSL_KEY_ARN', tls?.key],
  ];
  const stored = named.filter((entry): entry is readonly [string, StoredSecret] => typeof entry[1] === 'object');
  if (stored.length === 0) return [skipped('secrets', 'No setting names a secret of AWS Secrets Manager')];
  return Promise.all(
    stored.map(async ([variable, secret]) => {
      const check = `secrets.${variable}`;
      try {
        await readSecret(secret);
        return passed(check, `The secret of ${variable} can be read`);
      } catch (error) {
        const todo = `Check ${variable}, its field "${secret.field}", and that these credentials may read it (secretsmanager:GetSecretValue, and kms:Decrypt with a key of your own).`;
        return failed(check, `The secret of ${variable} cannot be read: ${messageOf(error)}`, todo);
      }
    }),
  );
}
