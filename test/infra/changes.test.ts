import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { deploymentOptions } from '../../infra/config/deployment-options';
import { environmentDefaults, environmentNames } from '../../infra/config/environment-defaults';
import { repositoryRoot } from '../../infra/shared/repository';
import type { OptionReport } from './changes-report';
import { optionValues } from './option-values';
import type { OptionValues } from './option-values';

/** The rows of the table under "Changing options": effect -> the options that it lists. */
const documented = new Map<string, string[]>();
const readme = readFileSync(join(repositoryRoot, 'infra', 'README.md'), 'utf8');
const section = readme.slice(readme.indexOf('### Changing options'), readme.indexOf('## Tear-down'));
for (const line of section.split('\n')) {
  const [, effect = '', , names = ''] = line.split('|').map((cell) => cell.trim());
  const match = /^\*\*(\w+)\*\*$/.exec(effect);
  if (match?.[1] !== undefined)
    documented.set(
      match[1],
      names.split(',').map((name) => name.trim()),
    );
}

const run = promisify(execFile);
let reports: Readonly<Record<string, OptionReport>> = {};

beforeAll(async () => {
  const args = ['--import', 'tsx', join(__dirname, 'changes-report.ts')];
  const { stdout } = await run(process.execPath, args, { cwd: repositoryRoot, maxBuffer: 2 ** 26 });
  reports = JSON.parse(stdout) as typeof reports;
}, 600_000);

describe.each(Object.keys(optionValues))('changing %s', (name) => {
  test('from any value to any other does no more than README says', () => {
    const effect = reports[name]?.effect ?? '';
    expect([name, effect, documented.get(effect)?.includes(name)]).toEqual([name, effect, true]);
  });

  test('leaves no stack with the value of a resource that is gone', () => {
    expect(reports[name]?.stale).toEqual([]);
  });

  test('is never refused because another stack imports an export: there is none', () => {
    expect(reports[name]?.exports).toBe(false);
  });
});

test('README names the options that take an output away which a later stack reads', () => {
  const paragraph = /Only\s+these take outputs away[^:]*:([^.]*)\./.exec(section)?.[1] ?? '';
  const named = paragraph.split(',').map((name) => name.trim());
  const found = Object.keys(reports).filter((name) => reports[name]?.takesOutputs);
  expect(named.sort()).toEqual(found.sort());
});

/** Options without a default that can be left out only together with others: see the row of vpcId. */
const partsOfVpc = ['ingressSubnetIds', 'taskSubnetIds', 'dataSubnetIds'];

test.each(Object.keys(optionValues).filter((name) => !hasDefault(name) && !partsOfVpc.includes(name)))(
  'among the values of %s is that it is not given: a forgotten -c is a change',
  (name) => {
    const { base = {}, values }: OptionValues = optionValues[name as keyof typeof optionValues];
    expect(values.filter((value) => !(name in { ...base, ...value }))).not.toEqual([]);
  },
);

function hasDefault(name: string): boolean {
  return environmentNames.some((env) => Object.hasOwn(environmentDefaults[env], name));
}

test('README lists every option once, under the worst that changing it can do', () => {
  const listed = [...documented.values()].flat().sort();
  const other = ['name', 'region', 'account'];
  expect(listed).toEqual([...Object.keys(optionValues), ...other].sort());
  expect(Object.keys(deploymentOptions).sort()).toEqual(listed);
  expect(documented.get('another')).toEqual(other);
});
