import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { repositoryRoot } from '../../infra/shared/repository';
import { ISSUE_CODES } from '../../service/health/issue-codes';
import { OutputMetrics } from '../../service/metrics/output-metrics';
import { parseCommand } from '../../service/operators/command-parser';
import { NameGrammar } from '../../service/protocol/name-grammar';
import { startTestNode } from '../support/servers/test-node';
import { codeSpans, readDocument, section, tableRows } from './markdown';

const readme = readDocument('README.md');
const operate = section(readme, '## Operate');

/** `name{label,label}` -> its name and labels. */
const metrics = tableRows(operate, 'metric')
  .flatMap(([names = '']) => codeSpans(names))
  .map((span) => {
    const [, name = '', labels = ''] = /^([a-z_*]+)(?:\{(.*)\})?$/.exec(span) ?? [];
    return { name, labels: labels === '' ? [] : labels.split(',') };
  });

describe("README's table of metrics", () => {
  test('lists exactly those of a node, with their labels', async () => {
    const node = await startTestNode({ CALLBACK_URL: 'http://127.0.0.1:9/', JWT_SECRET: 'x'.repeat(32) });
    const outputs = new Registry();
    new OutputMetrics(outputs);
    const text = `${(await node.page('/metrics')).text}\n${await outputs.metrics()}`;
    const exposed = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
    const ours = exposed.filter((name) => !name.startsWith('process_'));
    expect(metrics.map(({ name }) => name).sort()).toEqual([...ours, 'process_*'].sort());
    for (const { name, labels } of metrics) {
      const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
      for (const line of lines) {
        const shown = [...line.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le');
        expect([name, shown.sort()]).toEqual([name, [...labels].sort()]);
      }
    }
  });

  test('names the labels that the source declares', () => {
    const source = readFileSync(join(repositoryRoot, 'service/metrics/metrics.ts'), 'utf8');
    const declared = [...source.matchAll(/name: '(rtmp_\w+)',\s+help: [^\n]+\s+labelNames: \[([^\]]+)\]/g)];
    expect(declared.length).toBeGreaterThan(8);
    for (const [, name, labels = ''] of declared) {
      const row = metrics.find((metric) => metric.name === name);
      expect([name, row?.labels]).toEqual([name, labels.split(', ').map((label) => label.slice(1, -1))]);
    }
  });
});

test("README's table of close reasons lists exactly those that occur", () => {
  const source = readFileSync(join(repositoryRoot, 'service/session/session-state.ts'), 'utf8');
  const union = /export type CloseCode =([^;]+);/.exec(source)?.[1] ?? '';
  const inCode = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code);
  const listed = tableRows(operate, 'close reason').flatMap(([names = '']) => codeSpans(names));
  expect(listed.sort()).toEqual(inCode.sort());
});

test("README's table of issues lists exactly the codes of stream health", () => {
  const listed = tableRows(operate, 'issue').flatMap(([names = '']) => codeSpans(names));
  expect(listed.sort()).toEqual([...ISSUE_CODES].sort());
});

test("README's commands are understood as they are written", () => {
  const names = new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: false });
  const rows = tableRows(section(readme, '## Commands'), 'message').map(
    ([message = '']) => codeSpans(message)[0] ?? '',
  );
  const verbs = rows.map((row) => {
    const text = row
      .replace('\\|', '|')
      .replace('SECONDS', '60')
      .replace('CHANNEL', 'news')
      .replace('NODE_ID', 'node-1');
    const command = parseCommand(text, names);
    return 'error' in command ? command.error : command.verb;
  });
  const source = readFileSync(join(repositoryRoot, 'service/operators/command-parser.ts'), 'utf8');
  const inCode = new Set([...source.matchAll(/readonly verb: '([a-z-]+)'/g)].map(([, verb]) => verb));
  expect(verbs.sort()).toEqual([...inCode].sort());
});
