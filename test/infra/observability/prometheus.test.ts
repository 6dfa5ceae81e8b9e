import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { repositoryRoot } from '../../../infra/shared/repository';
import { OutputMetrics } from '../../../service/metrics/output-metrics';
import { startTestNode } from '../../support/servers/test-node';
import { sourceText } from './source-text';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const rulesFile = join(repositoryRoot, 'infra/observability/prometheus-alerts.yml');
const rules = readFileSync(rulesFile, 'utf8');
const dashboard = JSON.parse(
  readFileSync(join(repositoryRoot, 'infra/observability/grafana-dashboard.json'), 'utf8'),
) as {
  readonly panels: readonly Panel[];
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
let page = '';
/** Names of all series of a node that uses everything, as Prometheus stores them. */
const series = new Set<string>(['up']);

function promtool(args: readonly string[], input?: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8', timeout: 30_000 });
  return { status, output: stdout + stderr };
}

/** Names of metrics in a query: what is left without strings, labels and functions. */
function metricsIn(query: string): string[] {
  const bare = query.replace(/"[^"]*"/g, '').replace(/\{[^}]*\}/g, '{}');
  return [...bare.matchAll(/\b(?:rtmp|process|nodejs)_\w+|\bup\b/g)].map(([name]) => name);
}

beforeAll(async () => {
  const node = await startTestNode({
    CALLBACK_URL: 'http://127.0.0.1:9/',
    JWT_SECRET: 'x'.repeat(32),
    MEMORY_BUDGET_MB: '500',
  });
  const outputs = new Registry();
  new OutputMetrics(outputs);
  page = `${(await node.page('/metrics')).text}\n${await outputs.metrics()}`;
  for (const [, name = '', type] of page.matchAll(/^# TYPE (\S+) (\S+)/gm)) {
    series.add(name);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) series.add(`${name}_${part}`);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

test("promtool reads the node's metrics and finds no fault", () => {
  expect(promtool(['check', 'metrics'], page)).toEqual({ status: 0, output: '' });
});

describe('the alert rules', () => {
  test('are valid', () => {
    expect(promtool(['check', 'rules', rulesFile])).toMatchObject({ status: 0 });
  });

  test('fire for the fault they name, and not for a healthy node', () => {
    const cases = readFileSync(join(__dirname, 'alerts-firing.yml'), 'utf8');
    writeFileSync(join(folder, 'prometheus-alerts.yml'), rules);
    writeFileSync(join(folder, 'cases.yml'), cases);
    const result = promtool(['test', 'rules', join(folder, 'cases.yml')]);
    expect(result).toMatchObject({ status: 0 });
    const names = [...rules.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
    for (const name of names) expect(cases).toContain(`alertname="${name}"`);
  });

  test('use metrics that exist', () => {
    const used = [...rules.matchAll(/expr: (?:\|\n)?((?:.|\n)*?)\n {8}(?:for|labels):/g)].flatMap(([, expr = '']) =>
      metricsIn(expr),
    );
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((name) => !series.has(name))).toEqual([]);
  });
});

describe('the dashboard', () => {
  test('asks for metrics that exist', () => {
    const unknown = queries.flatMap(({ title, expr }) =>
      metricsIn(expr)
        .filter((name) => !series.has(name))
        .map((name) => `${title}: ${name}`),
    );
    expect(unknown).toEqual([]);
    for (const { expr } of queries) expect(metricsIn(expr)).not.toEqual([]);
  });

  test('has queries that Prometheus can parse', () => {
    const records = queries.map(({ expr }, index) => {
      const plain = expr.replaceAll('$__rate_interval', '1m').replaceAll('$job', 'rtmp').replaceAll('$instance', '.*');
      return `      - { record: 'panel:query:${index}', expr: '${plain}' }`;
    });
    const file = join(folder, 'panels.yml');
    writeFileSync(file, ['groups:', '  - name: panels', '    rules:', ...records, ''].join('\n'));
    expect(promtool(['check', 'rules', file])).toMatchObject({ status: 0 });
  });

  test('shows each metric of the table in README that is not about one process', () => {
    const shown = new Set(queries.flatMap(({ expr }) => metricsIn(expr).map((name) => name.replace(/_bucket$/, ''))));
    const ours = [...series].filter((name) => name.startsWith('rtmp_') && !/_(bucket|sum|count)$/.test(name));
    expect(ours.filter((name) => !shown.has(name) && !LEFT_OUT.has(name))).toEqual([]);
  });
});

/** Metrics that explain a single node's behaviour and are looked at by hand. */
const LEFT_OUT = new Set([
  'rtmp_ignored_messages_total',
  'rtmp_ecs_calls_total',
  'rtmp_memory_relief_total',
  'rtmp_batching_mode',
  'rtmp_batching_hold_seconds',
  'rtmp_io_path',
]);

test('values of labels in rules and dashboard occur in the source', () => {
  const text = rules + queries.map(({ expr }) => expr).join('\n');
  const values = [...text.matchAll(/\b(?:result|reason|event|kind)=~?"([^"]+)"/g)].flatMap(([, list = '']) =>
    list.split('|'),
  );
  expect(values.length).toBeGreaterThan(10);
  const source = sourceText('service');
  expect(values.filter((value) => !source.includes(`'${value}'`))).toEqual([]);
});
