import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { combinations } from './option-combinations';
import { synthesize } from './synthesize';

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

/** Warnings that stand, each with its reason. */
const accepted = {
  W3005: 'CDK writes down dependencies that references imply as well; harmless, and not ours to change',
  W3010: 'zones stand in a template where the option availabilityZones names them',
};

/** The templates of every combination of options that differ by more than the environment's name. */
function differentTemplates(): Map<string, string> {
  const found = new Map<string, string>();
  for (const options of Object.values(combinations)) {
    for (const [stack, template] of synthesize(options).templates) {
      const text = JSON.stringify(template.toJSON());
      found.set(`${stack} ${text.replace(/(rtmp-?)(dev|staging|prod)|"(dev|staging|prod)"/gi, '$1')}`, text);
    }
  }
  return found;
}

(missing ? test.skip : test)(
  'cfn-lint finds nothing else in the templates of any combination of options',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'rtmp-lint-'));
    try {
      const templates = [...differentTemplates().values()].map((text, index) => {
        const file = join(folder, `${index}.template.json`);
        writeFileSync(file, text);
        return file;
      });
      expect(templates.length).toBeGreaterThan(50);
      const { stdout, stderr, status } = spawnSync(
        program,
        ['--ignore-checks', ...Object.keys(accepted), '--', ...templates],
        {
          encoding: 'utf8',
          maxBuffer: 64 * 1024 * 1024,
        },
      );
      expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  400_000,
);
