import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { deploymentOptions } from '../../infra/config/deployment-options';
import { loadDeploymentConfig } from '../../infra/config/deployment-config';
import { repositoryRoot } from '../../infra/shared/repository';

const readme = readFileSync(join(repositoryRoot, 'infra', 'README.md'), 'utf8');

/** The rows of the options table: option -> its cells for dev, staging and prod. */
const rows = new Map(
  readme
    .slice(readme.indexOf('## Options'), readme.indexOf('## Cost'))
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, name]) => /^[a-z]\w*$/i.test(name ?? '') && name !== 'option')
    .map(([, name = '', ...cells]) => [name, cells.slice(0, 3)]),
);

test('the README lists every option, and no other', () => {
  expect([...rows.keys()].sort()).toEqual(['env', ...Object.keys(deploymentOptions)].sort());
});

test('the defaults that it gives are the ones in force', () => {
  for (const [column, env] of (['dev', 'staging', 'prod'] as const).entries()) {
    const config = Object.entries(loadDeploymentConfig({ env })).map(([name, value]) => [name, String(value)]);
    const inForce = new Map(config as [string, string][]);
    for (const [name, cells] of rows) {
      const documented = cells[column];
      if (documented !== '') expect([env, name, documented]).toEqual([env, name, inForce.get(name)]);
    }
  }
});

test('the entry of cdk.json that it shows is one that a deploy of prod accepts', () => {
  const [, block = ''] = /```json\n([\s\S]*?)```/.exec(readme) ?? [];
  const { context } = JSON.parse(block) as { context: { prod: Record<string, unknown> } };
  expect(loadDeploymentConfig({ ...context, env: 'prod' })).toMatchObject({ ...context.prod, tls: 'nlb' });
});
