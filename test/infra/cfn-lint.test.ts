import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { combinations } from './option-combinations';
import type { CombinationName } from './option-combinations';
import { synthesizeInto } from './synthesize';

/** The Python program of that name (the npm package is another one); CFN_LINT may name it. */
const program = process.env.CFN_LINT ?? 'cfn-lint';
const installed = spawnSync(program, ['--version'], { encoding: 'utf8' });
/** Older ones do not know properties that the templates set, such as EarlySuccessCriteria. */
const MINIMUM_MINOR = 58;
const minor = Number(/^cfn-lint 1\.(\d+)/.exec(installed.stdout)?.[1] ?? 0);
const missing = installed.status !== 0 || minor < MINIMUM_MINOR;
if (missing) {
  process.stderr.write(
    `cfn-lint is skipped: "${program}" is not cfn-lint 1.${MINIMUM_MINOR} or newer of \`pip install cfn-lint\` (or set CFN_LINT)\n`,
  );
}

/** Between them these render every kind of resource. */
const checked: readonly CombinationName[] = [
  'TLS at the load balancer, certificate made in a hosted zone, dual stack, two RTMPS ports',
  'blue/green with TLS',
  'cache on nodes',
  'no way out, callback inside the VPC',
];

/** W3005: CDK writes down dependencies that references imply as well; harmless, and not ours to change. */
const ignored = 'W3005';

/** cfn-lint 1.58 knows Fn::GetStackOutput, by which weak references are rendered, but not that it gives a string. */
const UNKNOWN_STRING = "E1022 {'Fn::GetStackOutput'";

(missing ? test.skip : test)(
  'cfn-lint finds nothing in the templates',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'rtmp-lint-'));
    try {
      for (const [index, name] of checked.entries()) synthesizeInto(join(folder, String(index)), combinations[name]);
      const templates = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.template.json'))
        .map((file) => join(folder, file));
      expect(templates.length).toBeGreaterThanOrEqual(6 * checked.length);
      const { stdout, stderr } = spawnSync(program, ['--ignore-checks', ignored, '--', ...templates], {
        encoding: 'utf8',
        maxBuffer: 64 * 1024 * 1024,
      });
      const findings = stdout
        .split('\n\n')
        .filter((finding) => finding.trim() !== '' && !finding.startsWith(UNKNOWN_STRING));
      expect({ findings, stderr }).toEqual({ findings: [], stderr: '' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  240_000,
);
