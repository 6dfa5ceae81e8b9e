import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { Metrics } from '../../../service/metrics/metrics';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';

let traffic: TrafficCounters;
let sessions: Record<string, number>;
let metrics: Metrics;

beforeEach(() => {
  traffic = new TrafficCounters();
  sessions = {};
  const gauges = {
    sessionsByState: () => sessions,
    publishers: () => 3,
    playersByProtocol: () => ({ rtmp: 40, other: 2 }),
  };
  metrics = new Metrics({ version: '1.2.3', gauges, traffic });
});
afterEach(() => metrics.close());

/** The page as a map from `name{labels}` to value. */
async function scrape(): Promise<Map<string, number>> {
  const lines = (await metrics.scrape()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

describe('metrics page', () => {
  test('shows the node as it is at the moment of the scrape', async () => {
    sessions = { handshaking: 2, publishing: 3 };
    const before = await scrape();
    expect(before.get('rtmp_sessions{state="publishing"}')).toBe(3);
    expect(before.get('rtmp_publishers')).toBe(3);
    expect(before.get('rtmp_players{protocol="rtmp"}')).toBe(40);
    expect(before.get('rtmp_players{protocol="other"}')).toBe(2);
    sessions = { playing: 1 };
    const after = await scrape();
    expect(after.get('rtmp_sessions{state="playing"}')).toBe(1);
    expect(after.has('rtmp_sessions{state="publishing"}')).toBe(false);
  });

  test('shows what the hot path counted, however often it is read', async () => {
    Object.assign(traffic, { bytesIn: 10, bytesOut: 20, messagesIn: 3, messagesOut: 4, droppedFrames: 5 });
    Object.assign(traffic, { slowPlayersDisconnected: 6, reads: 7, writes: 8, ignoredCommands: 9, ignoredData: 10 });
    await scrape();
    traffic.bytesIn += 5;
    const page = await scrape();
    expect(page.get('rtmp_received_bytes_total')).toBe(15);
    expect(page.get('rtmp_sent_bytes_total')).toBe(20);
    expect(page.get('rtmp_received_messages_total')).toBe(3);
    expect(page.get('rtmp_sent_messages_total')).toBe(4);
    expect(page.get('rtmp_socket_reads_total')).toBe(7);
    expect(page.get('rtmp_socket_writes_total')).toBe(8);
    expect(page.get('rtmp_dropped_frames_total')).toBe(5);
    expect(page.get('rtmp_slow_players_disconnected_total')).toBe(6);
    expect(page.get('rtmp_ignored_messages_total{kind="command"}')).toBe(9);
    expect(page.get('rtmp_ignored_messages_total{kind="data"}')).toBe(10);
  });

  test('leaves relayed bytes to the figures of the node that has the publisher', async () => {
    const others = { stopBacklog: 0, draining: false };
    Object.assign(traffic, { bytesIn: 100, relayedBytesIn: 70 });
    expect(metrics.takeFigures(others).ingestBytes).toBe(30);
    traffic.bytesIn += 8;
    traffic.relayedBytesIn += 3;
    expect(metrics.takeFigures(others).ingestBytes).toBe(5);
    expect((await scrape()).get('rtmp_received_bytes_total')).toBe(108);
  });

  test('counts callbacks by event and result, with their duration in seconds', async () => {
    metrics.callbackFinished('start', 'accepted', 40);
    metrics.callbackFinished('start', 'refused', 2000);
    metrics.callbackFinished('stop', 'accepted', 1);
    const page = await scrape();
    expect(page.get('rtmp_callbacks_total{event="start",result="accepted"}')).toBe(1);
    expect(page.get('rtmp_callbacks_total{event="start",result="refused"}')).toBe(1);
    expect(page.get('rtmp_callback_duration_seconds_sum{event="start"}')).toBeCloseTo(2.04);
    expect(page.get('rtmp_callback_duration_seconds_bucket{le="0.05",event="start"}')).toBe(1);
  });

  test('publishers who were refused without asking, and whether the handler is down', async () => {
    metrics.startUnasked('queue_full');
    metrics.startUnasked('queue_full');
    expect((await scrape()).get('rtmp_callback_handler_down')).toBe(0);
    metrics.handlerDown(true);
    const page = await scrape();
    expect(page.get('rtmp_unasked_starts_total{reason="queue_full"}')).toBe(2);
    expect(page.get('rtmp_callback_handler_down')).toBe(1);
    metrics.handlerDown(false);
    expect((await scrape()).get('rtmp_callback_handler_down')).toBe(0);
  });

  test('counts rejections, ends and commands by reason', async () => {
    metrics.connectionRejected('ip_limit');
    metrics.connectionRejected('ip_limit');
    metrics.sessionClosed('client_gone');
    metrics.commandHandled('kill-session', 'done');
    const page = await scrape();
    expect(page.get('rtmp_rejected_connections_total{reason="ip_limit"}')).toBe(2);
    expect(page.get('rtmp_closed_sessions_total{reason="client_gone"}')).toBe(1);
    expect(page.get('rtmp_commands_total{kind="kill-session",result="done"}')).toBe(1);
  });

  test('says nothing of Redis until Redis is used: an alarm on 0 must not fire without it', async () => {
    expect((await scrape()).has('rtmp_redis_connected')).toBe(false);
    metrics.setRedisConnected(true);
    expect((await scrape()).get('rtmp_redis_connected')).toBe(1);
    metrics.setRedisConnected(false);
    expect((await scrape()).get('rtmp_redis_connected')).toBe(0);
  });

  test('says what runs and what it uses', async () => {
    const page = await scrape();
    expect(page.get(`rtmp_build_info{version="1.2.3",node="${process.version}"}`)).toBe(1);
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds']) {
      expect(page.get(name)).toBeGreaterThan(0);
    }
    expect(page.get('nodejs_memory_bytes{kind="heap_used"}')).toBeGreaterThan(0);
  });

  test('a blocked event loop shows up as delay', async () => {
    await scrape();
    // Timers run in the order they are due: this one after the sampler's first tick, against which it measures.
    await delay(60);
    const end = performance.now() + 200;
    while (performance.now() < end);
    await delay(60);
    const page = await scrape();
    expect(page.get('rtmp_event_loop_delay_seconds{statistic="max"}')).toBeGreaterThan(0.1);
  });

  test('two nodes in one process do not mix their numbers', async () => {
    const other = new Metrics({
      version: '1',
      gauges: { sessionsByState: () => ({}), publishers: () => 0, playersByProtocol: () => ({}) },
      traffic: new TrafficCounters(),
    });
    other.sessionClosed('client_gone');
    other.close();
    expect((await scrape()).has('rtmp_closed_sessions_total{reason="client_gone"}')).toBe(false);
  });
});
