import { afterEach } from '@jest/globals';

export interface TestEnvironment {
  set(values: Readonly<Record<string, string>>): void;
  unset(...names: readonly string[]): void;
}

/** Variables of the test's own process, for libraries that read them; restored after each test. */
export function useEnvironment(): TestEnvironment {
  const before = new Map<string, string | undefined>();
  const change = (name: string, value: string | undefined): void => {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  };
  const remember = (name: string): void => {
    if (!before.has(name)) before.set(name, process.env[name]);
  };
  afterEach(() => {
    for (const [name, value] of before) change(name, value);
    before.clear();
  });
  return {
    set(values) {
      for (const [name, value] of Object.entries(values)) {
        remember(name);
        change(name, value);
      }
    },
    unset(...names) {
      for (const name of names) {
        remember(name);
        change(name, undefined);
      }
    },
  };
}
