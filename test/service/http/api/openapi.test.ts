import { expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from '../../../../service/http/api/schemas/openapi';
import { startTestNode } from '../../../support/servers/test-node';
import { breakingChanges } from './breaking-changes';

/** The document of the last release. After a change that breaks nothing: UPDATE_OPENAPI=1 npm test -- this file. */
const RELEASED = join(__dirname, 'openapi.released.json');

const current = JSON.parse(JSON.stringify(openApiDocument())) as object;
const released = existsSync(RELEASED) ? (JSON.parse(readFileSync(RELEASED, 'utf8')) as object) : {};

test('no client of the released API breaks', () => {
  expect(breakingChanges(released, current)).toEqual([]);
});

test('the released document is this one', () => {
  if (process.env.UPDATE_OPENAPI !== undefined && breakingChanges(released, current).length === 0) {
    writeFileSync(RELEASED, `${JSON.stringify(current, null, 2)}\n`);
    return;
  }
  expect(current).toEqual(released);
});

test('a node serves the document', async () => {
  const node = await startTestNode();
  const { status, text } = await node.page('/api/v1/openapi.json');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual(current);
});

test('all references lead somewhere', () => {
  const { components } = current as { components: { schemas: object } };
  const names = [...JSON.stringify(current).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(50);
  expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(names));
  expect(JSON.stringify(current)).not.toContain('$defs');
});

/** Finds what is at a path of names, separated by spaces. */
function find(document: object, path: string): { holder: Record<string, unknown>; name: string } {
  const names = path.split(' ');
  const name = names.pop() ?? '';
  let holder = document as Record<string, unknown>;
  for (const each of names) holder = holder[each] as Record<string, unknown>;
  return { holder, name };
}

type Change = (document: object) => void;

const remove =
  (path: string): Change =>
  (document) => {
    const { holder, name } = find(document, path);
    Reflect.deleteProperty(holder, name);
  };
const put =
  (path: string, value: unknown): Change =>
  (document) => {
    const { holder, name } = find(document, path);
    holder[name] = value;
  };
const edit =
  (path: string, change: (list: unknown[]) => unknown): Change =>
  (document) => {
    const { holder, name } = find(document, path);
    change(holder[name] as unknown[]);
  };

function changed(change: Change): string[] {
  const copy = JSON.parse(JSON.stringify(current)) as object;
  change(copy);
  return breakingChanges(current, copy);
}

const STREAM = 'components schemas Stream';
const BLOCK = 'components schemas BlockOrder';
const PARAMETERS = 'paths /streams get parameters';

test.each<[string, Change]>([
  ['an operation is gone', remove('paths /nodes')],
  ['a method is gone', remove('paths /login post')],
  ['a field of an answer is gone', remove(`${STREAM} properties players`)],
  ['a field of an answer may be missing', edit(`${STREAM} required`, (list) => list.pop())],
  ['a field has another type', put(`${STREAM} properties players`, { type: 'string' })],
  ['a field may be null', put(`${STREAM} properties bitrateKbps`, { anyOf: [{ type: 'integer' }, { type: 'null' }] })],
  ['a parameter is gone', edit(PARAMETERS, (list) => list.shift())],
  ['a parameter takes less', edit(`${PARAMETERS} 3 schema enum`, (list) => list.pop())],
  ['a body takes less', put(`${BLOCK} properties seconds maximum`, 60)],
  ['a body needs more', edit(`${BLOCK} required`, (list) => list.push('reason'))],
  ['an answer has another schema', remove('paths /nodes get responses 200')],
])('it would be noticed if %s', (_, change) => {
  expect(changed(change)).not.toEqual([]);
});

test.each<[string, Change]>([
  ['an answer has a new field', put(`${STREAM} properties colour`, { type: 'string' })],
  ['there is a new operation', put('paths /new', { get: {} })],
  ['there is a new parameter', edit(PARAMETERS, (list) => list.push({ name: 'new', in: 'query', schema: {} }))],
  ['there is a new kind of refusal', edit('components schemas RefusalCode enum', (list) => list.push('new'))],
])('nothing breaks if %s', (_, change) => {
  expect(changed(change)).toEqual([]);
});
