import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { combinations } from './option-combinations';
import { synthesize } from './synthesize';
import { text } from './template-queries';
import type { JsonObject } from './template-queries';

/** The Python program of that name (the npm package is a different program); CFN_LINT may name it. */
const program = process.env.CFN_LINT ?? 'cfn-lint';
const installed = spawnSync(program, ['--version'], { encoding: 'utf8' });
/** Older versions do not know properties that the templates set, such as EarlySuccessCriteria. */
const MINIMUM_MINOR = 58;
const minor = Number(/^cfn-lint 1\.(\d+)/.exec(installed.stdout)?.[1] ?? 0);
const missing = installed.status !== 0 || minor < MINIMUM_MINOR;
if (missing) {
  process.stderr.write(
    `cfn-lint is skipped: "${program}" is not cfn-lint 1.${MINIMUM_MINOR} or newer of \`pip install cfn-lint\` (or set CFN_LINT)\n`,
  );
}

/** Accepted warnings, each with its reason. */
const accepted = {
  W3005: 'CDK writes down dependencies that references imply as well; harmless, and not ours to change',
  W3010: 'zones stand in a template where the option availabilityZones names them',
};

/** What a template says of its resources: type, place and value, whatever the resource and the environment are called. */
function factsOf(template: object): Set<string> {
  const { Resources = {}, Outputs = {} } = template as Record<string, Record<string, { Type?: string }>>;
  const facts = new Set<string>();
  const visit = (place: string, value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(`${place}[]`, item);
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(`${place}.${key}`, inner);
    } else facts.add(`${place}=${withoutNames(String(value))}`);
  };
  for (const { Type = '', Metadata: _, ...resource } of Object.values(Resources) as JsonObject[])
    visit(text(Type), resource);
  visit('Outputs', Object.values(Outputs));
  return facts;
}

/** Without hashes, what a deployment is called and where it is; of a long text only that it is one. */
function withoutNames(value: string): string {
  if (value.length > 60) return 'text';
  return value
    .replace(/[0-9a-f]{40,64}|[0-9A-F]{8}/g, '#')
    .replace(/dev|staging|prod/gi, 'env')
    .replace(/(us-east|eu-west)-1/g, 'region')
    .replace(/Subnet\d/g, 'Subnet');
}

/** As few templates of the combinations as cover together what all of them contain: those that add most come first. */
function differentTemplates(): string[] {
  const left = Object.values(combinations).flatMap((options) =>
    [...synthesize(options).templates.values()].map((template) => template.toJSON() as object),
  );
  let news = left.map((json) => ({ json, facts: factsOf(json) }));
  const chosen: string[] = [];
  while (news.length > 0) {
    news.sort((a, b) => b.facts.size - a.facts.size);
    const [best, ...others] = news;
    if (best === undefined) break;
    chosen.push(JSON.stringify(best.json));
    for (const { facts } of others) for (const fact of best.facts) facts.delete(fact);
    news = others.filter(({ facts }) => facts.size > 0);
  }
  return chosen;
}

(missing ? test.skip : test)(
  'cfn-lint finds nothing else in the templates of any combination of options',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'rtmp-lint-'));
    try {
      const templates = differentTemplates().map((text, index) => {
        const file = join(folder, `${index}.template.json`);
        writeFileSync(file, text);
        return file;
      });
      expect(templates.length).toBeGreaterThan(25);
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
