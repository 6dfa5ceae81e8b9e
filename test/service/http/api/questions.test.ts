import { expect, test } from '@jest/globals';
import { ANSWERS } from '../../../../service/http/api/questions';
import { OUTPUT_EVENTS } from '../../../support/output-events';

test('events of outputs pass between nodes', () => {
  expect(ANSWERS.events.parse({ events: OUTPUT_EVENTS })).toEqual({ events: OUTPUT_EVENTS });
});

test('events of kinds that a later version has are left out, the others are not', () => {
  const unknown = { ...OUTPUT_EVENTS[0], type: 'stream.translated' };
  expect(ANSWERS.events.parse({ events: [unknown, ...OUTPUT_EVENTS] })).toEqual({ events: OUTPUT_EVENTS });
});
