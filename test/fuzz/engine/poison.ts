import type { Input } from './input';

/** Values that a reader of JSON may not expect. */
const ODD: readonly (() => unknown)[] = [
  () => null,
  () => 0,
  () => -1,
  () => 1.5,
  () => 1e308,
  () => '',
  () => 'text',
  () => '9'.repeat(400),
  () => true,
  () => [],
  () => ({}),
  () => [null],
  () => ({ kind: 'ask' }),
  () => undefined,
];

/** Puts odd values in the place of some values of a document, as the input says. Without JSON, the text as it is. */
export function poisoned(text: string, input: Input, places: number): string {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return text;
  }
  for (let left = places; left > 0; left -= 1) document = replaceOne(document, input);
  // Of undefined it makes undefined.
  return document === undefined ? '' : JSON.stringify(document);
}

function replaceOne(value: unknown, input: Input): unknown {
  if (typeof value !== 'object' || value === null) return input.pick(ODD)();
  const keys = Object.keys(value);
  const choice = input.below(keys.length + 1);
  if (choice === keys.length) return input.pick(ODD)();
  const key = keys[choice]!;
  const changed = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
  Object.defineProperty(changed, key, {
    ...{ value: replaceOne((value as Record<string, unknown>)[key], input) },
    ...{ enumerable: true, configurable: true, writable: true },
  });
  return changed;
}
