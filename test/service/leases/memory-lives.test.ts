import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Command } from '../../../service/operators/command-parser';
import type { NodeEffect } from '../../../service/leases/life-store';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { MemoryLifeStore } from '../../../service/leases/memory-life-store';

const CHANNEL = 'ch';

let now: number;
let lives: MemoryLives;
beforeEach(() => {
  now = 1_000_000;
  lives = new MemoryLives({ takeover: true, resumes: true }, () => now);
});

/** A member that lets everybody in, and notes what it has to perform. */
class Node {
  readonly store: MemoryLifeStore;
  readonly performed: NodeEffect[] = [];
  readonly changed: string[] = [];
  offers = 0;
  answers = true;

  constructor(readonly id: string) {
    this.store = new MemoryLifeStore(lives, id);
    void this.store.start({
      perform: (channel, effects) => {
        this.performed.push(...effects);
        for (const effect of effects) if (effect.kind === 'ask' && this.answers) this.accept(effect.start, channel);
      },
      refusalAlone: () => undefined,
      stopsDue: () => void (this.offers += 1),
      channelChanged: (channel) => void this.changed.push(channel),
      command: () => undefined,
    });
  }

  get kinds(): string[] {
    return this.performed.map(({ kind }) => kind);
  }

  comes(publish: string): void {
    const about = this.store.about({ channel: CHANNEL, key: 'key', clientIp: '192.0.2.1', query: '' });
    const start = { publish, node: this.id, startJti: `start of ${publish}`, about };
    void this.store.apply(CHANNEL, { kind: 'come', candidate: { ...start, keyHash: 'hash', group: publish }, now });
  }

  accept(start: (NodeEffect & { kind: 'ask' })['start'], channel = CHANNEL): void {
    const answer = {
      kind: 'accepted',
      streamId: start.resume ?? `id of ${start.publish}`,
      playKeyHash: 'play',
    } as const;
    void this.store.apply(channel, { kind: 'answered', start, answer, now });
  }
}

describe('lives in memory', () => {
  test('are changed one event at a time: what a member causes while it performs comes after', () => {
    const node = new Node('a');
    node.comes('p');
    expect(node.kinds).toEqual(['ask', 'letIn']);
  });

  test('are told to the node that each effect is for, and found by all', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    a.comes('p1');
    b.comes('p2');
    expect(a.kinds).toEqual(['ask', 'letIn', 'replaced']);
    expect(b.kinds).toEqual(['ask', 'letIn']);
    const found = await a.store.locate(CHANNEL);
    expect(found).toMatchObject({ publish: 'p2', streamId: 'id of p1', playKeyHash: 'play', owner: { id: 'b' } });
    expect([a.changed, b.changed]).toEqual([
      [CHANNEL, CHANNEL],
      [CHANNEL, CHANNEL],
    ]);
  });

  test('end with the member that has them, and their stops are delivered by another', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    a.comes('p');
    lives.lost('a');
    expect(await b.store.locate(CHANNEL)).toBeUndefined();
    expect(b.offers).toBeGreaterThan(0);
    expect(await b.store.pullStops(10)).toEqual([
      {
        channel: CHANNEL,
        key: 'key',
        clientIp: '192.0.2.1',
        query: '',
        jti: 'p',
        streamId: 'id of p',
        startJti: 'start of p',
      },
    ]);
  });
});

describe('stops', () => {
  test('are pulled in batches, each once, also those that a lost member had pulled', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    for (let count = 0; count < 5; count += 1) {
      a.comes(`p${count}`);
      void a.store.apply(CHANNEL, { kind: 'left', publish: `p${count}` });
    }
    const pulled = await a.store.pullStops(2);
    expect(pulled.map(({ jti }) => jti)).toEqual(['p0', 'p1']);
    await a.store.stopDelivered('p0');
    expect(a.store.dueStops).toBe(4);
    lives.lost('a');
    expect((await b.store.pullStops(10)).map(({ jti }) => jti)).toEqual(['p1', 'p2', 'p3', 'p4']);
    expect(await b.store.pullStops(10)).toEqual([]);
  });

  test('wait for a member when there is none, and go to the heir of members that end', async () => {
    new Node('a').comes('p');
    lives.lost('a');
    const b = new Node('b');
    expect(b.offers).toBe(1);
    const inherited: string[] = [];
    lives.leaveStopsTo((stops) => inherited.push(...stops.map(({ jti }) => jti)));
    expect(inherited).toEqual(['p']);
    expect(await b.store.pullStops(10)).toEqual([]);
  });
});

describe('an operator', () => {
  const block: Command = { verb: 'block', channel: CHANNEL, seconds: 60 };

  test('who repeats a command within seconds is obeyed again, whoever reports it first', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    const kill: Command = { verb: 'kill-session', channel: CHANNEL };
    const reports = [a, a, b, b, b, a].map(({ store }) => store.remember(kill));
    expect(await Promise.all(reports)).toEqual([true, true, false, false, true, false]);
  });

  test('is obeyed once by all members, and told who was the first', async () => {
    const [a, b] = [new Node('a'), new Node('b')];
    a.comes('p');
    expect([await b.store.remember(block), await a.store.remember(block)]).toEqual([true, false]);
    expect(a.performed.at(-1)).toMatchObject({ kind: 'ended', publish: 'p', why: 'killed' });
    a.comes('q');
    expect(a.performed.at(-1)).toMatchObject({ kind: 'refuse', refusal: { why: 'blocked', until: now + 60_000 } });
    expect(await a.store.remember({ verb: 'unblock', channel: CHANNEL })).toBe(true);
    a.comes('r');
    expect(a.performed.at(-1)).toMatchObject({ kind: 'letIn', publish: 'r' });
  });

  test('who lifts a block that is over, or none, has no effect', async () => {
    const a = new Node('a');
    expect(await a.store.remember({ verb: 'unblock', channel: CHANNEL })).toBe(false);
    await a.store.remember(block);
    now += 61_000;
    expect(await a.store.remember({ verb: 'unblock', channel: CHANNEL })).toBe(false);
  });

  test('reaches a publisher that the handler is asked about', async () => {
    const a = new Node('a');
    a.answers = false;
    a.comes('p');
    await a.store.remember({ verb: 'kill-session', channel: CHANNEL });
    expect(a.performed.at(-1)).toMatchObject({ kind: 'refuse', refusal: { why: 'killed' } });
    a.accept((a.performed[0] as NodeEffect & { kind: 'ask' }).start);
    expect(a.kinds).not.toContain('letIn');
    expect((await a.store.pullStops(1))[0]).toMatchObject({ jti: 'p', streamId: 'id of p' });
  });
});

test('a node that drains lets others continue its streams although takeover is off', () => {
  lives = new MemoryLives({ takeover: false, resumes: true }, () => now);
  const [a, b] = [new Node('a'), new Node('b')];
  a.comes('p');
  b.comes('q');
  expect(b.performed.at(-1)).toMatchObject({ kind: 'refuse', refusal: { why: 'busy' } });
  void a.store.drain();
  b.comes('r');
  expect(b.performed.at(-1)).toMatchObject({ kind: 'letIn', publish: 'r', continues: true });
});
