/** What nodes store in Redis, as they write it. */
export const NOW = Date.UTC(2026, 10, 30);

const about = '{"clientIp":"192.0.2.7","sealed":"id.c2VhbGVk"}';
const id = {
  ...{ streamId: 's1', startJti: 'j1', stopJti: 'p1', about, since: NOW - 1_000 },
  later: [{ publish: 'p0', startJti: 'j0', about }],
};
const candidate = { publish: 'p3', node: 'a/1', startJti: 'j3', about, keyHash: 'k', group: 'g', round: 1 };
const life = {
  stream: {
    ...{ publish: 'p1', node: 'b/1', keyHash: 'k', state: 'held', id, keeps: false, leaving: true },
    ...{ playKeyHash: 'h', after: 'p0' },
  },
  out: { ...candidate, publish: 'p2', resume: 's1', abandoned: false, inherited: id, closed: ['s2'] },
  late: [{ publish: 'p4', node: 'b/1', startJti: 'j4', about, former: 'j1' }],
  waiting: [candidate],
  ...{ round: 2, provenKey: 'k', blockedUntil: NOW + 5_000, claimed: [{ publish: 'p5', until: NOW + 60_000 }] },
  isDoubted: true,
};

export const LIFE = JSON.stringify({ schema: 1, version: '1:a', life });

export const LETTER = JSON.stringify({
  ...{ kind: 'effects', schema: 1, channel: 'news', life: LIFE, command: 'kill-session>news' },
  effects: [
    { kind: 'ask', node: 'a/1', start: { publish: 'p3', node: 'a/1', startJti: 'j3', about } },
    { kind: 'refuse', node: 'a/1', publish: 'p3', refusal: { why: 'blocked', until: NOW } },
    { kind: 'letIn', node: 'a/1', publish: 'p3', id, continues: true, keeps: false },
    { kind: 'replaced', node: 'a/1', publish: 'p1', continues: true, conflict: true },
    { kind: 'ended', node: 'a/1', publish: 'p1', why: 'killed' },
    { kind: 'grace', node: 'a/1', publish: 'p1', runs: true },
  ],
});

export const STOP = JSON.stringify({
  ...{ schema: 1, channel: 'news' },
  stop: { jti: 'p1', streamId: 's1', startJti: 'j1', about },
});

export const NODE = JSON.stringify({
  ...{ id: 'b', incarnation: '1', host: '10.0.0.2', port: 1935, proxyHeader: true, draining: false, httpPort: 8080 },
});
