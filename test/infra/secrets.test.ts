import { describe, expect, test } from '@jest/globals';
import { synthesize, templateOf } from './synthesize';
import type { Options } from './synthesize';
import { referred, resourcesOf } from './template-queries';
import type { JsonObject } from './template-queries';

function schedules(options: Options): Record<string, JsonObject> {
  const found = [...synthesize(options).templates.values()].flatMap((template) => [
    ...resourcesOf(template, 'AWS::SecretsManager::RotationSchedule').values(),
  ]);
  return Object.fromEntries(found.map(({ Properties = {} }) => [referred(Properties.SecretId), Properties]));
}

describe('secrets', () => {
  test('are made by Secrets Manager: 64 letters and digits, in no template', () => {
    const secrets = [...resourcesOf(templateOf('Secrets', { env: 'prod' }), 'AWS::SecretsManager::Secret').values()];
    expect(secrets).toHaveLength(6);
    for (const { Properties } of secrets) {
      expect(Properties).toMatchObject({ GenerateSecretString: { PasswordLength: 64, ExcludePunctuation: true } });
      expect(Properties).not.toHaveProperty('SecretString');
    }
  });

  test('are rotated on schedule, and never because a deploy touched the schedule', () => {
    const rotated = schedules({ env: 'prod' });
    expect(Object.keys(rotated).sort()).toEqual([
      'CacheOperatorPassword',
      'CachePublisherPassword',
      'CacheServicePassword',
      'JwtSecret',
    ]);
    expect(rotated.JwtSecret).toMatchObject({ RotateImmediatelyOnUpdate: false });
    expect(JSON.stringify(rotated.JwtSecret?.RotationRules)).toContain('rate(30 days)');
    expect(JSON.stringify(rotated.CacheServicePassword?.RotationRules)).toContain('rate(90 days)');
  });

  test('are left alone where that is wanted, and where a callback elsewhere has to be told first', () => {
    expect(schedules({ env: 'prod', jwtRotationDays: 0, redisRotationDays: 0 })).toEqual({});
    const elsewhere = schedules({ env: 'prod', callbackUrl: 'https://api.example.com/' });
    expect(Object.keys(elsewhere)).not.toContain('JwtSecret');
  });
});
