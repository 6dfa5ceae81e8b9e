import { afterEach } from '@jest/globals';

/** Variables of the test's own process, for libraries that read them by themselves; put back after each test. */
export function useEnvironment(): { set(values: Readonly<Record<string, string>>): void } {
  const before = new Map<string, string | undefined>();
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    before.clear();
  });
  return {
    set(values) {
      for (const [name, value] of Object.entries(values)) {
        if (!before.has(name)) before.set(name, process.env[name]);
        process.env[name] = value;
      }
    },
  };
}
