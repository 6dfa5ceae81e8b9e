import { expect, test } from '@jest/globals';
import { type OutputDefaults, outputPlan, unmetWishes } from '../../../../service/outputs/policy/output-plan';
import type { OutputPolicy } from '../../../../service/outputs/policy/output-policy';

const URL = 'rtmp://host/app/key';
const OTHER = 'rtmp://other/app/key';
const SETTINGS: OutputDefaults = {
  forward: { urls: [URL] },
  record: { place: { kind: 'directory' }, formats: ['flv'], streams: 'all' },
  hls: { place: { kind: 'memory' }, streams: 'all' },
};
const ASKED: OutputDefaults = {
  ...SETTINGS,
  record: { ...SETTINGS.record, streams: 'asked' },
  hls: { ...SETTINGS.hls, streams: 'asked' },
};
const NOWHERE: OutputDefaults = {
  forward: { urls: [] },
  record: { ...SETTINGS.record, place: undefined },
  hls: { ...SETTINGS.hls, place: undefined },
};

test.each<[string, OutputPolicy | undefined, OutputDefaults, object]>([
  ['no policy', undefined, SETTINGS, { forward: [URL], record: ['flv'], hls: true }],
  ['an empty policy', {}, SETTINGS, { forward: [URL], record: ['flv'], hls: true }],
  [
    'a policy',
    { forward: [OTHER], record: ['mp4'], hls: false },
    SETTINGS,
    { forward: [OTHER], record: ['mp4'], hls: false },
  ],
  ['none of it', { forward: [], record: [], hls: false }, SETTINGS, { forward: [], record: [], hls: false }],
  ['streams that ask, unasked', undefined, ASKED, { forward: [URL], record: [], hls: false }],
  ['streams that ask, asked', { record: 'default', hls: true }, ASKED, { forward: [URL], record: ['flv'], hls: true }],
  ['no place', { record: ['flv'], hls: true }, NOWHERE, { forward: [], record: [], hls: false }],
])('%s', (_, policy, settings, plan) => {
  expect(outputPlan(policy, settings)).toEqual(plan);
});

test.each<['child' | 'sidecar' | 'none', OutputPolicy, readonly string[]]>([
  [
    'none',
    { forward: [URL], record: 'default', hls: true },
    ['forward', 'record', 'hls'].map((of) => `${of} needs OUTPUTS=YES`),
  ],
  ['none', { forward: [], record: [], hls: false }, []],
  ['child', { forward: [URL], record: ['mp4'], hls: true }, ['record needs RECORD_TO', 'hls needs HLS_TO']],
  ['sidecar', { record: ['mp4'], hls: true }, []],
])('what a policy asks for in vain is said (%s, %j)', (run, policy, unmet) => {
  expect(unmetWishes(policy, { run, record: { place: undefined }, hls: { place: undefined } })).toEqual(unmet);
});
