import { FleetKeys } from '../../../service/leases/fleet-keys';
import { standingOf } from '../../../service/leases/channel-standing';
import { LifeCopy } from '../../../service/leases/life-copy';
import { NodeLives, type LivesSurroundings } from '../../../service/leases/node-lives';
import { readLife, readPlace, readStop, SCHEMA, writeLife } from '../../../service/leases/redis/life-documents';
import { Mailbox } from '../../../service/leases/redis/mailbox';
import { RecordSeal } from '../../../service/leases/redis/record-seal';
import { readRosterNews, Roster } from '../../../service/leases/redis/roster';
import { StopBook } from '../../../service/leases/redis/stop-book';
import { silentLogger } from '../../../service/logging/silent-logger';
import { keptUntil } from '../../../service/publishing/channel-life';
import type { LifeEvent } from '../../../service/publishing/life-events';
import { step } from '../../../service/publishing/step';
import { Input } from '../engine/input';
import { poisoned } from '../engine/poison';
import { must, type Target } from '../engine/target';
import { LETTER, LIFE, NODE, NOW, STOP } from '../seeds/registry-documents';

const MEMBER = 'a/1';
const POLICY = { takeover: true, resumes: true };
const START = { publish: 'p9', node: MEMBER, startJti: 'j9', about: '{}' };
const EVENTS: readonly LifeEvent[] = [
  { kind: 'come', candidate: { ...START, keyHash: 'k', group: 'g' }, now: NOW },
  { kind: 'answered', start: START, answer: { kind: 'accepted', streamId: 's', playKeyHash: 'h' }, now: NOW },
  { kind: 'lost', publish: 'p1' },
  { kind: 'graceOver', publish: 'p1' },
  { kind: 'nodeDead', node: 'b/1', now: NOW },
  { kind: 'asserted', node: MEMBER, part: { late: [], waiting: [] }, now: NOW },
  { kind: 'alone', node: MEMBER },
  { kind: 'close', streamId: 's1' },
  { kind: 'kill' },
];
const keys = new FleetKeys();
keys.use('a secret of the fuzzer, of no other use');
const seal = new RecordSeal(keys, silentLogger);

/** Whatever stands in Redis: it is left out, or every event of a channel can be applied to it. */
export const target: Target = {
  name: 'registry',
  reads: 'what comes back from Redis: lives of channels, mail, stops, nodes, whatever has been written there',
  maxLength: 1_600,
  steps: { base: 60_000, perByte: 400 },
  seeds: () =>
    [LIFE, LETTER, STOP, NODE].flatMap((text, kind) =>
      [0, 1, 2].map((places) => Buffer.concat([Buffer.of(kind, places, 3, 7, 1, 9, 4, 2), Buffer.from(text)])),
    ),
  run(data) {
    const input = new Input(data.subarray(0, 8));
    const kind = input.below(4);
    const text = poisoned(data.subarray(8).toString('utf8'), input, input.below(4));
    if (kind === 0) checkLife(text);
    else if (kind === 1) checkLetter(text);
    else if (kind === 2) checkStop(text);
    else checkNodes(text);
  },
};

function checkLife(text: string): void {
  readPlace(text);
  const found = readLife(text, SCHEMA);
  if (found?.stored === undefined) return;
  const { life, version } = found.stored;
  const again = readLife(writeLife(found.stored, SCHEMA), SCHEMA)?.stored;
  must(JSON.stringify(again) === JSON.stringify(found.stored), 'stored again it is another life');
  must(typeof version === 'string', 'a life without a version');
  must(!Number.isNaN(keptUntil(life)), 'a life that is kept until no time');
  standingOf(life, NOW);
  for (const event of EVENTS) {
    const { effects } = step(life, event, POLICY);
    for (const effect of effects)
      must(effect.kind === 'stop' || typeof effect.node === 'string', 'an effect for nobody');
  }
  const copy = new LifeCopy(MEMBER);
  copy.found(found.stored);
  copy.assert();
  copy.settled();
  copy.doubt('comparison');
}

/** A letter is delivered, and what comes after it is. */
function checkLetter(text: string): void {
  let performed = 0;
  const lives = new NodeLives(surroundings(() => (performed += 1)));
  let delivered = 0;
  const mailbox = new Mailbox(SCHEMA, (letter) => {
    delivered += 1;
    if (letter.kind === 'effects') lives.mail(letter.channel, letter.stored, letter.effects);
  });
  mailbox.take(['1-0', text, '2-0', '{"kind":"command","text":"list>"}', text, text]);
  must(delivered >= 1 && mailbox.position !== '1-0', 'a letter keeps the next one out');
  must(performed <= 2, 'one letter is carried out several times');
}

function surroundings(performed: () => void): LivesSurroundings {
  return {
    ...{ member: MEMBER, policy: POLICY, step, contestMs: 0, now: () => NOW, isUp: () => true },
    change: ({ next }, done) => done({ kind: 'changed', stored: { version: 'v', life: next } }),
    dead: (_members, done) => done([]),
    later: (_round, act) => act(),
    perform: performed,
    refusalAlone: () => undefined,
    stopDue: () => undefined,
  };
}

function checkStop(text: string): void {
  const kept = readStop(text);
  if (kept === undefined) return;
  const book = new StopBook();
  book.add(kept, true);
  book.rewrite((about, channel) => seal.renew(about, channel));
  const [pulled] = book.pull(1, (about, channel) => seal.open(about, channel));
  must(pulled !== undefined, 'a stop that is not delivered');
  for (const value of [pulled.channel, pulled.key, pulled.clientIp, pulled.query, pulled.jti, pulled.streamId])
    must(typeof value === 'string', 'a stop that says something other than text');
}

function checkNodes(text: string): void {
  const roster = new Roster();
  const { news, rest } = readRosterNews(['7', 'all', '2', 'a', text, 'b', NODE, '1-0', 'mail']);
  must(rest.length === 2, 'news take mail with them');
  roster.learn(news);
  for (const { id, host, port, httpPort = 1, incarnation } of roster.nodes) {
    must(
      [id, host, incarnation].every((value) => typeof value === 'string'),
      'an address that is no text',
    );
    must(isPort(port) && isPort(httpPort), 'a port that is none');
  }
  roster.learn(readRosterNews(text.split(',')).news);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}
