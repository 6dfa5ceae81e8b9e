import { expect, test } from '@jest/globals';
import type { TaskStanding } from '../../../service/aws/task-standing';
import { Lifecycle } from '../../../service/node/lifecycle';

const READY = { ready: true };
const ALL_WELL = (): undefined => undefined;
const SHUTS_DOWN = 'Server is shutting down';

const summary = (lifecycle: Lifecycle) => [
  lifecycle.readiness(ALL_WELL).reason ?? 'ready',
  lifecycle.refusal,
  lifecycle.turnsAway,
  lifecycle.draining,
];

test('a node is ready only while it is open and nothing is wrong', () => {
  const lifecycle = new Lifecycle();
  const fault = () => 'RTMP does not answer';
  expect(lifecycle.readiness(fault)).toEqual({ ready: false, reason: 'starting' });
  lifecycle.open();
  expect(lifecycle.readiness(ALL_WELL)).toEqual(READY);
  expect(lifecycle.readiness(fault)).toEqual({ ready: false, reason: 'RTMP does not answer' });
  lifecycle.stop();
  expect(lifecycle.readiness(fault)).toEqual({ ready: false, reason: 'shutting down' });
});

test('a node that is told to stop refuses streams, and is told once', () => {
  const lifecycle = new Lifecycle();
  lifecycle.open();
  expect(summary(lifecycle)).toEqual(['ready', undefined, false, false]);
  expect(lifecycle.stop()).toBe(true);
  expect(summary(lifecycle)).toEqual(['shutting down', SHUTS_DOWN, false, true]);
  expect(lifecycle.stop()).toBe(false);
});

test('a node that leaves turns new clients away, also while it stops afterwards', () => {
  const lifecycle = new Lifecycle();
  lifecycle.open();
  lifecycle.leave();
  expect(summary(lifecycle)).toEqual(['leaving', SHUTS_DOWN, true, false]);
  lifecycle.stop();
  expect(summary(lifecycle)).toEqual(['shutting down', SHUTS_DOWN, true, true]);
});

test('a node that stops neither opens nor leaves any more', () => {
  const lifecycle = new Lifecycle();
  lifecycle.stop();
  lifecycle.open();
  lifecycle.leave();
  expect(summary(lifecycle)).toEqual(['shutting down', SHUTS_DOWN, false, true]);
});

test('a node drains from the time on when ECS prefers a newer task, while it still takes streams', () => {
  const lifecycle = new Lifecycle();
  lifecycle.open();
  const task: { standing: TaskStanding } = { standing: 'wanted' };
  lifecycle.followTask(task);
  expect(lifecycle.draining).toBe(false);
  task.standing = 'superseded';
  expect(summary(lifecycle)).toEqual(['ready', undefined, false, true]);
});
