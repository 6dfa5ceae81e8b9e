import { expect, test } from '@jest/globals';
import { OutputSet } from '../../../service/outputs/output-set';
import type { Output } from '../../../service/outputs/stream/output';
import { MemoryLogger } from '../../support/memory-logger';

function output(id: string, isPatient?: boolean): Output {
  const nothing = (): void => undefined;
  const end = (): Promise<void> => Promise.resolve();
  const status = (): never => {
    throw new Error('not asked');
  };
  const calls = { write: nothing, flush: nothing, gap: nothing, held: nothing, resumed: nothing, end, status };
  return { id, ...calls, ...(isPatient !== undefined && { isPatient }) };
}

test('a stream may be read late as long as none of its outputs minds', () => {
  const identity = { channel: 'news', streamId: 's', startedAt: 1 };
  const outputs = new OutputSet({ identity, tell: () => undefined, log: new MemoryLogger() });
  outputs.add(output('record-flv', true), []);
  expect(outputs.isPatient).toBe(true);
  const forward = output('forward-1');
  outputs.add(forward, []);
  expect(outputs.isPatient).toBe(false);
  outputs.remove(forward, { code: 'operator', reason: '' });
  expect(outputs.isPatient).toBe(true);
});
