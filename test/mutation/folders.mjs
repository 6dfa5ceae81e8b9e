/**
 * The folders of service/ that are mutated: their unit tests in test/service/, the files of those that are left out, and
 * sources that are left out with them. Left out are tests that measure time or memory, which the instrumentation changes,
 * and tests that wait for real time-outs of a network, which would take hours with hundreds of mutants.
 *
 * @type {Record<string, { tests: string[], without?: string[], withoutSources?: string[] }>}
 */
export const MUTATED_FOLDERS = {
  admission: { tests: ['admission'] },
  auth: {
    tests: ['auth'],
    without: ['auth/callback-client', 'auth/callback-authorizer'],
    withoutSources: ['callback-client.ts', 'callback-authorizer.ts', 'open-authorizer.ts'],
  },
  hub: { tests: ['hub'], without: ['hub/message-log-costs', 'hub/message-log-memory', 'hub/cost-guard'] },
  protocol: { tests: ['protocol'] },
  // simulation.test.ts mutates the same code by hand, and tests its judge.
  publishing: { tests: ['publishing', 'admission'], without: ['publishing/simulation'] },
};
