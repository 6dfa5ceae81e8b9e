// Reads jest's results for `.ci/run`.
//   again FILE                 prints the test files to run once more, one a line
//   count CODE FIRST SECOND    prints the counts; CODE is the exit code of the last `npm test`
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** More than these have a common cause, which a second run does not take away. */
const MAX_FILES_AGAIN = 6;

const [task, ...args] = process.argv.slice(2);
if (task === 'again') {
  const failed = (read(args[0])?.testResults ?? []).filter(({ status }) => status === 'failed');
  if (failed.length <= MAX_FILES_AGAIN) for (const { name } of failed) console.log(relative('.', name));
} else {
  count(Number(args[0]), args[1], args[2]);
}

function count(code, firstFile, secondFile) {
  const first = read(firstFile);
  if (first === undefined) console.log('jest left no results');
  const repeated = new Map((read(secondFile)?.testResults ?? []).map((file) => [file.name, file]));
  for (const { name, status } of repeated.values()) console.log(`On its second run ${relative('.', name)} ${status}`);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of first?.testResults ?? []) {
    const { assertionResults, status } = repeated.get(file.name) ?? file;
    for (const test of assertionResults) {
      counts[test.status === 'passed' || test.status === 'failed' ? test.status : 'skipped'] += 1;
    }
    // A file that could not be run has no tests to count.
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) counts.failed += 1;
  }
  if (counts.failed === 0 && (code !== 0 || counts.passed === 0)) counts.failed = 1;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
  process.exitCode = counts.failed > 0 ? 1 : 0;
}

function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
