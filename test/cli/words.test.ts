import { expect, test } from '@jest/globals';
import { eventText } from '../../service/cli/commands/words';
import { OUTPUT_EVENTS } from '../support/output-events';

test.each([
  ['recording.done', 'recording stored: 1h 2m, 1.2 GB, s3://bucket/news/2026/01/01/00-00-00_s-1.flv'],
  ['recording.failed', 'recording failed: The disk is full; nothing is stored'],
  ['forward.live', 'forward to rtmp://live.example.com/app is live'],
  ['forward.waiting', 'forward to rtmp://live.example.com/app waits: The target closed the connection'],
  ['forward.failed', 'forward to rtmp://live.example.com/app failed: The target does not take HEVC'],
  ['output.gap', 'gap of 4s in output hls'],
  ['outputs.down', 'outputs of node node-1 are down: The program of outputs ended with signal SIGKILL'],
  ['outputs.up', 'outputs of node node-1 are up'],
])('%s in one line', (type, text) => {
  expect(eventText(OUTPUT_EVENTS.find((each) => each.type === type)!)).toBe(text);
});
