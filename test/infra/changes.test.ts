import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { deploymentOptions } from '../../infra/config/deployment-options';
import { repositoryRoot } from '../../infra/repository';
import { optionValues } from './option-values';
import type { OptionValues } from './option-values';
import { synthesize } from './synthesize';
import type { Options } from './synthesize';
import { changesBetween, effectOf, effects, staleReaders } from './template-changes';
import type { Effect } from './template-changes';

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

function pairs({ base = {}, values }: OptionValues): [Options, Options][] {
  const all = values.map((value) => ({ ...base, ...value }));
  return all.flatMap((before) =>
    all.filter((after) => after !== before).map((after): [Options, Options] => [before, after]),
  );
}

const options = Object.entries(optionValues);
const effectsFound = new Map<string, Effect>();

describe.each(options)('changing %s', (name, values) => {
  test('from any value to any other does no more than README says', () => {
    const found = pairs(values).map(([before, after]) => effectOf(changesBetween(before, after)));
    const worst = effects[Math.max(...found.map((effect) => effects.indexOf(effect)))] ?? 'nothing';
    effectsFound.set(name, worst);
    expect([name, documented.get(worst)?.includes(name)]).toEqual([name, true]);
  });

  test('leaves no stack with the value of a resource that is gone', () => {
    const stale = pairs(values)
      .filter(([before, after]) => effectOf(changesBetween(before, after)) !== 'fixed')
      .flatMap(([before, after]) => staleReaders(before, after));
    expect(stale).toEqual([]);
  });

  test('is never refused because another stack imports an export: there is none', () => {
    for (const value of values.values) {
      for (const template of synthesize({ ...values.base, ...value }).templates.values()) {
        expect(JSON.stringify(template.toJSON())).not.toMatch(/"Fn::ImportValue"|"Export"/);
      }
    }
  });
});

test('README lists every option once, under the worst that changing it can do', () => {
  const listed = [...documented.values()].flat().sort();
  const other = ['name', 'region', 'account'];
  expect(listed).toEqual([...Object.keys(optionValues), ...other].sort());
  expect(Object.keys(deploymentOptions).sort()).toEqual(listed);
  expect(documented.get('another')).toEqual(other);
});
