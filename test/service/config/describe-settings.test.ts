import { expect, test } from '@jest/globals';
import { describeSettings } from '../../../service/config/describe-settings';
import { loadServiceConfig } from '../../../service/config/service-config';

const loaded = loadServiceConfig({
  RTMP_PORT: '1936',
  HTTP_PORT: '8080',
  CALLBACK_URL: 'https://user:sesame@callback.example/',
  JWT_SECRET: 'a-secret-of-the-callback',
  OPERATOR_TOKEN: 'a-token-of-the-operators',
  REDIS_USE: 'YES',
  REDIS_PASSWORD: 'a-password-of-redis',
});

test('the settings in use are printed with their defaults, and secrets are hidden', () => {
  const text = describeSettings(loaded, 'print');
  const lines = text.split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'RTMP_PORT="1936"',
      '# LATENCY_MS=100  (default)',
      '# PUBLISHER_TAKEOVER=NO  (default)',
      '# LOG_FORMAT=text  (default)',
      '# HTTP_ALLOWED_HOSTS is not set',
      'CALLBACK_URL="https://***@callback.example/"',
      'JWT_SECRET=(hidden)',
      'OPERATOR_TOKEN=(hidden)',
      'REDIS_PASSWORD=(hidden)',
    ]),
  );
  for (const secret of ['sesame', 'a-secret', 'a-token', 'a-password']) expect(text).not.toContain(secret);
  expect(text).toContain('# Warning: JWT_SECRET is shorter');
});

test('a check says only that they are usable, and what is probably a mistake', () => {
  expect(describeSettings(loaded, 'check')).toMatch(/^# Warning: .*\nThe settings are usable\.\n$/s);
});
