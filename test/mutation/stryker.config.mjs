// Stryker's settings for one folder, or files of it, which `test/mutation/run.mjs` names in MUTATION_TARGET.
import { MUTATED_FOLDERS } from './folders.mjs';

const target = process.env.MUTATION_TARGET;
const folder = target.split('/')[0];
const { tests, without = [], withoutSources = [] } = MUTATED_FOLDERS[folder];

export default {
  mutate: [
    target === folder ? `service/${folder}/**/*.ts` : `service/${target}`,
    ...withoutSources.map((name) => `!service/${folder}/${name}`),
  ],
  // Texts are sentences for people; tests of every word would only say them twice.
  mutator: { excludedMutations: ['StringLiteral'] },
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  coverageAnalysis: 'perTest',
  // What is computed once when a file is loaded: tables mostly, and every mutant there would run all tests.
  ignoreStatic: true,
  jest: {
    enableFindRelatedTests: false,
    config: {
      testMatch: tests.map((path) => `<rootDir>/test/service/${path}/**/*.test.ts`),
      testPathIgnorePatterns: without.map((path) => `/test/service/${path}\\.test\\.ts$`),
    },
  },
  concurrency: 2,
  // Endless loops are common among mutants; a busy machine is not mistaken for one.
  timeoutMS: 10_000,
  timeoutFactor: 3,
  incremental: true,
  incrementalFile: `.build/mutation/${folder}.incremental.json`,
  tempDirName: `.build/mutation/${folder}-work`,
  // Only what the unit tests read is copied.
  ignorePatterns: [
    ...['/*', '!/package.json', '!/service', '/service/console', '/service/cli'],
    ...['!/test', '/test/*', '!/test/service', '!/test/support', '!/test/vectors', '!/infra'],
  ],
  reporters: ['json', 'html', 'progress-append-only'],
  jsonReporter: { fileName: `.build/mutation/${folder}.json` },
  htmlReporter: { fileName: `.build/mutation/${folder}.html` },
  allowConsoleColors: false,
};
