import { expect, test } from '@jest/globals';
import { wordsOf } from '../../../service/console/data/event-words';
import { OUTPUT_EVENTS } from '../../support/output-events';

test.each([
  ['recording.done', 'Recording stored', '1 h 02 min, 1.31 GB: s3://bucket/news/2026/01/01/00-00-00_s-1.flv', 'good'],
  ['recording.failed', 'Recording failed', 'The disk is full. Nothing is stored.', 'bad'],
  ['forward.live', 'Forward is live', 'rtmp://live.example.com/app', 'good'],
  ['forward.waiting', 'Forward waits', 'rtmp://live.example.com/app: The target closed the connection', 'warning'],
  ['forward.failed', 'Forward failed', 'rtmp://live.example.com/app: The target does not take HEVC', 'bad'],
  ['output.gap', 'Gap of 4 s in the HLS', 'output hls', 'warning'],
  ['outputs.down', 'Outputs are down', 'on node-1: The program of outputs ended with signal SIGKILL', 'bad'],
  ['outputs.up', 'Outputs are up', 'on node-1', 'good'],
])('%s in words', (type, title, detail, tone) => {
  const event = OUTPUT_EVENTS.find((each) => each.type === type)!;
  expect(wordsOf(event)).toEqual({ title, detail, tone });
});
