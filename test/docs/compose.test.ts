import { expect, test } from '@jest/globals';
import { loadServiceConfig } from '../../service/config/service-config';
import { readDocument, section } from './markdown';

test("README's compose file gives the server settings that it accepts", () => {
  const start = section(readDocument('README.md'), '## Start one node');
  const [, file = ''] = /^```yaml\n(services:[\s\S]*?)^```/m.exec(start) ?? [];
  const [, list = ''] = /^ {2}rtmp:[\s\S]*?environment: \{ (.*) \}/m.exec(file) ?? [];
  const values: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of list.matchAll(/(\w+): (?:'([^']*)'|([^,]+))/g)) {
    values[name] = (quoted ?? plain ?? '').replace(/\$\{\w+\}/, 'x'.repeat(64));
  }
  expect(Object.keys(values).length).toBeGreaterThan(3);
  const { config, warnings } = loadServiceConfig({ HTTP_PORT: '8080', ...values });
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({ redis: { host: 'redis' }, callback: { jwtSecret: 'x'.repeat(64) } });
});
