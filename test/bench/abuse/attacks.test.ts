import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attacks } from './attacks/index';

const SERVICE = join(__dirname, '../../../service');

const sources = readdirSync(SERVICE, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => ({ path, text: readFileSync(join(SERVICE, path), 'utf8') }));
const everything = sources.map(({ text }) => text).join('\n');

/** Names in capitals, such as `MAX_AMF_DEPTH`, with the number that follows, if any. */
function namesIn(bound: string): readonly (readonly [name: string, value: string | undefined])[] {
  return [...bound.matchAll(/\b([A-Z]+_[A-Z_]+)(?: (\d[\d,.]*)(?=, |: |$))?/g)].map(([, name, value]) => [
    name!,
    value?.replaceAll(',', ''),
  ]);
}

test('each attack of the price list has a name of its own', () => {
  expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
});

test.each(attacks.filter(({ bound }) => bound !== '').map(({ name, bound }) => [name, bound]))(
  '%s: what bounds it is in the source, with this value',
  (_, bound) => {
    for (const [name, value] of namesIn(bound)) {
      expect(everything).toMatch(new RegExp(`\\b${name}\\b`));
      const defined = [...everything.matchAll(new RegExp(`const ${name} = ([\\d_.]+);`, 'g'))].map(([, number]) =>
        number!.replaceAll('_', ''),
      );
      if (value !== undefined && defined.length > 0) expect(defined).toContain(value);
    }
    for (const [file] of bound.matchAll(/\b[a-z-]+\.ts\b/g)) {
      expect(sources.some(({ path }) => path.endsWith(`/${file}`))).toBe(true);
    }
  },
);
