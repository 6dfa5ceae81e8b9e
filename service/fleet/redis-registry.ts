import { randomBytes, randomUUID } from 'node:crypto';
import { type Command, commandText, endsStream, parseCommand } from '../commands/command-parser';
import type { ChangingPassword } from '../commands/redis-password';
import type { RedisConfig } from '../config/redis-settings';
import type { Logger } from '../logging/logger';
import { MISSED, REMEMBER } from './redis/command-scripts';
import { DeadNodeSweeper } from './redis/dead-node-sweeper';
import { ACQUIRE, ANNOUNCE, ASSERT, FINISH, HOLD, LOCATE, REPLACE } from './redis/lease-scripts';
import { NodeRegistration } from './redis/node-registration';
import { LEAVE, LIST_NODES } from './redis/node-scripts';
import { type Contest, Reconciliation } from './redis/reconciliation';
import { FORGET_STOP } from './redis/record-scripts';
import { RegistryConnection, type RegistryReply } from './redis/registry-connection';
import type { RegistryScript } from './redis/registry-script';
import { DEFAULT_TIMING, type RegistryTiming, jittered } from './redis/registry-timing';
import { readAddress, readLease } from './redis/reply-records';
import { type BookedSession, SessionBook } from './redis/session-book';
import { WakeUps } from './redis/wake-ups';
import type {
  AcquireOutcome,
  Lease,
  LeaseRequest,
  NodeAddress,
  RegistryListener,
  RegistryOrder,
  StopRecord,
  StreamRegistry,
} from './stream-registry';

export interface RedisRegistryOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  /** How the others reach this node. The id is letters, digits and `._:-`, and unique among living nodes. */
  readonly address: Pick<NodeAddress, 'id' | 'host' | 'port' | 'proxyHeader'>;
  readonly log: Logger;
  readonly timing?: Partial<RegistryTiming>;
  /** Fleets that share a Redis need one each. Must hold a hash tag; default `{rtmp}:`. */
  readonly prefix?: string;
}

const SECRET_BYTES = 32;

/**
 * The fleet's memory in one Redis 6.2+ or Valkey.
 *
 * ## What is kept (each key begins with the prefix)
 * - `node:<id>`: the node's registration with its incarnation (one run of the process); expires unless renewed.
 * - `nodes`: every incarnation, as `<id>/<incarnation>`, that somebody may have to look after.
 * - `lease:<channel>`: who has the channel. **Valid only while the owner is registered in that incarnation**, so that
 *   renewing a node renews all it has.
 * - `sessions:<id>/<incarnation>`: what is needed to send the stop of each session, from before `start` is asked.
 * - `stops:<id>/<incarnation>`: stops that are that node's to send. `mail:<id>/<incarnation>`: orders for it.
 * - `gone:<session>`: a tombstone, what became of a session that lost its lease. `lost`: another one has the channel,
 *   the stop is still its node's to send. `continued`: the stream goes on, no stop. `claimed`: another node sends it.
 * - `block:<channel>`, `order:<channel>`, `order-node:<id>`: operators' commands. `secret`. `sweeper`: who looks for the dead.
 *
 * ## How it goes
 * Each step is one script, atomic, for one incarnation and one connection of it. Steps that take something are refused
 * unless that very incarnation is registered; steps on a lease, unless it still is that session's.
 * A node renews its registration every few seconds. Whenever a renewal says that it had lapsed, a request was not
 * answered, or the count of the node's own writes went back (Redis was restored or failed over), the node compares what
 * it serves with what is written: it asserts each session, and learns from a tombstone or another's lease that its copy
 * has to end. Dead incarnations are claimed by one node, after they were seen dead twice by a node that had no trouble
 * of its own for two TTLs: when Redis was away everybody looks dead, and gets the time to come back.
 *
 * ## What must not happen
 * - *Two sessions acquire one channel.* One script looks and takes; Redis runs one at a time.
 * - *A node that was paused goes on after its channel was taken.* Whoever took it left a tombstone; the first thing that
 *   a node does when it runs again is the overdue renewal, which says "lapsed", and asserting finds the tombstone. Until
 *   that answer, one round trip, its copy may still send what has arrived: the price of streams that survive Redis.
 * - *A request that a dead connection left in Redis' socket is executed late.* It bears the connection's number, and is
 *   refused once a newer connection has registered.
 * - *Both of two live publishers give way, or none.* Without Redis, or after it lost writes, two nodes may each have
 *   accepted one. Each asserts; against a valid lease the later start loses, equal ones by session id, and the loser gets
 *   a tombstone and an order. It asks again after one renewal's time before it gives way, because the other's lease may
 *   be one that Redis forgot to have freed. That rule never undoes a replacement: the replaced session has a tombstone already.
 * - *A stop is lost.* The record exists before `start` is asked, `end` moves it to the pending stops in one step, and a
 *   claim moves both to the claimant in one step. If the answer to the claim is lost, the claimant finds the stops among
 *   its own when it compares. A session whose start was still being decided gets a stop too: it may have been accepted.
 * - *Two stops for one stream.* A session's stop has one `jti` for ever; claims are exclusive; a tombstone keeps the
 *   former owner from sending it again. A repetition with the same `jti` is possible where an answer was lost.
 * - *A living node is claimed because Redis was away.* See above: two TTLs without trouble, and the script looks again.
 * - *A mail is read but not acted upon.* It stays until the next renewal says that it has arrived.
 * - *A kill misses a publish that is being decided on, or hits the next one.* Commands are kept with the time of the
 *   server, and end sessions that the registry heard of before; `confirm` is where a publish meets them.
 *
 * ## What is not promised
 * Redis replicates asynchronously: a failover may forget the last writes. Until their node has noticed, with its next
 * answer or renewal, another one can acquire the same channel; then the later publisher is ended. A node that is cut off
 * from Redis alone for longer than the TTL is claimed, its copies end when it is back; if a held stream's grace runs out
 * while it is cut off, it sends the stop although another node may have resumed the stream. Stops that a node left
 * behind are lost if Redis loses all memory before they are claimed. The order of starts is that of the nodes' clocks.
 */
export class RedisRegistry implements StreamRegistry {
  readonly #log: Logger;
  readonly #timing: RegistryTiming;
  readonly #connection: RegistryConnection;
  readonly #registration: NodeRegistration;
  readonly #sweeper: DeadNodeSweeper;
  readonly #reconciliation: Reconciliation;
  readonly #wakeUps: WakeUps;
  readonly #book = new SessionBook();
  readonly #secretKnown: Promise<Buffer>;
  #tellSecret: (secret: Buffer) => void = () => undefined;
  #secret = randomBytes(SECRET_BYTES).toString('base64');
  #secretIsShared = false;
  #address: NodeAddress;
  #listener: RegistryListener | undefined;
  #reconciling: Promise<void> | undefined;
  /** Something may be different from what it should be. */
  #uncertain = false;
  #auditAt: number;

  constructor({ config, password, address, log, timing, prefix = '{rtmp}:' }: RedisRegistryOptions) {
    this.#log = log;
    this.#timing = { ...DEFAULT_TIMING, ...timing };
    this.#auditAt = performance.now() + jittered(this.#timing.auditMs);
    this.#address = { ...address, incarnation: randomUUID(), draining: false };
    const { id: nodeId, incarnation } = this.#address;
    const { requestTimeoutMs } = this.#timing;
    this.#connection = new RegistryConnection({ config, password, prefix, requestTimeoutMs, nodeId, incarnation });
    const shared = { connection: this.#connection, timing: this.#timing, log };
    this.#registration = new NodeRegistration({
      ...shared,
      secret: () => this.#secret,
      address: () => this.#address,
      renewed: (renewal) => this.#renewed(renewal),
      mail: (mail) => this.#obey(mail),
    });
    this.#sweeper = new DeadNodeSweeper({
      ...shared,
      healthyForMs: () => this.#registration.healthyForMs,
      claimed: (stops) => {
        const fresh = this.#book.adopt(stops);
        if (fresh.length > 0) this.#listener?.stopsClaimed(fresh);
        // Some are known to be delivered already: a claim was undone by a failover.
        if (fresh.length < stops.length) this.#uncertain = true;
      },
    });
    this.#reconciliation = new Reconciliation({
      ...shared,
      book: this.#book,
      listener: () => this.#listener,
      assert: (session, contest) => this.#connection.run(ASSERT, this.#assertion(session, contest)),
      contestMs: this.#timing.beatMs,
    });
    this.#wakeUps = new WakeUps({
      config,
      password,
      prefix,
      member: `${nodeId}/${incarnation}`,
      mail: () => void this.#registration.beat(),
      channelChanged: (channel) => this.#listener?.channelChanged(channel),
    });
    this.#secretKnown = new Promise((resolve) => (this.#tellSecret = resolve));
  }

  get self(): NodeAddress {
    return this.#address;
  }

  get connected(): boolean {
    return this.#registration.registered;
  }

  reachableAt(host: string, port: number): void {
    this.#address = { ...this.#address, host, port };
  }

  async start(listener: RegistryListener): Promise<void> {
    this.#listener = listener;
    const connected = new Promise<void>((resolve) => {
      this.#connection.onConnected = () => {
        this.#registration.connectionChanged();
        void this.#registration.beat().then(() => resolve());
      };
    });
    this.#connection.onUncertain = () => (this.#uncertain = true);
    this.#connection.onWritesLost = () => {
      this.#log.warning('The fleet registry has lost writes of this node, they are repeated');
      this.#uncertain = true;
      this.#registration.registryChanged();
      void this.#registration.beat();
    };
    this.#connection.connect();
    this.#wakeUps.connect();
    this.#sweeper.start();
    let patience: NodeJS.Timeout | undefined;
    const waited = new Promise<void>((resolve) => (patience = setTimeout(resolve, 2 * this.#timing.requestTimeoutMs)));
    await Promise.race([connected, waited]);
    clearTimeout(patience);
    // Otherwise the first renewal would be due only when Redis has been reached.
    if (!this.connected) void this.#registration.beat();
  }

  async acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    const { channel, session, keyHash, startedAt, stop } = request;
    this.#book.open(request);
    const ask = (): Promise<RegistryReply | undefined> =>
      this.#ask(ACQUIRE, [channel, session, keyHash, startedAt, JSON.stringify(stop), this.#fence()]);
    let reply = await ask();
    if (reply?.status === 'busy' && this.#isLeftOver(readLease(channel, reply.rest[0] ?? '{}'))) {
      await this.#reconcile();
      reply = await ask();
    }
    const [first = '', second = '', third = ''] = reply?.rest ?? [];
    switch (reply?.status) {
      case 'acquired':
        this.#book.update(session, { leased: true, since: first });
        return { kind: 'acquired' };
      case 'blocked':
        this.#book.close(session);
        return { kind: 'blocked', seconds: Number(first) };
      case 'busy':
        this.#book.putOff(session, third);
        return { kind: 'busy', lease: readLease(channel, first), owner: readAddress(second) };
      default:
        this.#book.update(session, { leased: true });
        return { kind: 'unavailable' };
    }
  }

  async announce(request: LeaseRequest): Promise<void> {
    this.#book.open(request);
    await this.#ask(ANNOUNCE, [request.session, JSON.stringify(request.stop)]);
  }

  async replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean> {
    const { channel, session, keyHash, startedAt, stop } = request;
    if (!this.#book.sessions.has(session)) this.#book.open(request);
    const since = this.#book.sessions.get(session)?.since ?? '';
    const how = [since, from, continues ? 1 : 0];
    const reply = await this.#ask(REPLACE, [channel, session, keyHash, startedAt, JSON.stringify(stop), ...how]);
    if (reply?.status !== 'replaced') return false;
    this.#book.update(session, { leased: true });
    if (reply.rest[0] === 'own') this.#obey({ kind: 'moved', channel, session: from, continues, stopIsSent: false });
    return true;
  }

  async confirm(channel: string, session: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    this.#book.update(session, { ...live, leased: true, state: 'live' });
    const booked = this.#book.sessions.get(session);
    if (!booked) return false;
    const reply = await this.#ask(ASSERT, this.#assertion(booked, 'no'));
    if (!reply) return true;
    if (reply.status !== 'mine') return false;
    const command = parseCommand(reply.rest[0] ?? '');
    if (endsStream(command, live.streamId)) {
      this.#log.info('An operator ended the stream before it began', { channel });
      return false;
    }
    return true;
  }

  async hold(channel: string, session: string, lastTimestamp: number): Promise<void> {
    this.#book.update(session, { state: 'held', lastTimestamp });
    await this.#connection.run(HOLD, [channel, session, lastTimestamp]);
  }

  async abandon(channel: string, session: string): Promise<void> {
    if (!this.#book.sessions.has(session)) return;
    this.#book.close(session);
    await this.#connection.run(FINISH, [channel, session, '', '']);
  }

  async end(channel: string, session: string, stop: StopRecord): Promise<boolean> {
    this.#book.close(session);
    this.#book.pendingStops.set(stop.jti, stop);
    const reply = await this.#connection.run(FINISH, [channel, session, stop.jti, JSON.stringify(stop)]);
    if (reply === undefined || reply.status === 'finished') return true;
    this.#book.pendingStops.delete(stop.jti);
    return false;
  }

  async forget(session: string): Promise<void> {
    const booked = this.#book.sessions.get(session);
    if (booked) await this.abandon(booked.request.channel, session);
  }

  async stopDelivered(jti: string): Promise<void> {
    this.#book.stopDelivered(jti);
    await this.#connection.run(FORGET_STOP, [jti]);
  }

  async locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined> {
    const reply = await this.#connection.run(LOCATE, [channel]);
    const [lease, owner] = reply?.rest ?? [];
    if (lease === undefined || owner === undefined) return undefined;
    return { lease: readLease(channel, lease), owner: readAddress(owner) };
  }

  async remember(command: Command): Promise<boolean> {
    if (command.verb === 'list') return false;
    const target = command.verb === 'drain' ? command.node : command.channel;
    const seconds = command.verb === 'block' ? command.seconds : 0;
    const reply = await this.#connection.run(REMEMBER, [command.verb, target, commandText(command), seconds]);
    return reply?.status === 'first';
  }

  async redeliverCommands(): Promise<void> {
    const live = (this.#listener?.localLeases() ?? []).map((lease) => this.#book.latest(lease.session, lease));
    const args = live.flatMap((booked) =>
      booked ? [booked.request.channel, booked.since || booked.request.startedAt * 1000] : [],
    );
    if (args.length === 0) return;
    const reply = await this.#connection.run(MISSED, args);
    for (const text of reply?.rest ?? []) this.#obey({ kind: 'command', text });
  }

  async drain(): Promise<void> {
    this.#address = { ...this.#address, draining: true };
    await this.#registration.beat();
  }

  fleetSecret(): Promise<Buffer> {
    return this.#secretKnown;
  }

  async nodes(): Promise<readonly NodeAddress[]> {
    const reply = await this.#connection.run(LIST_NODES, []);
    return reply?.rest.map(readAddress) ?? [];
  }

  async stop(): Promise<void> {
    this.#sweeper.stop();
    this.#registration.stop();
    this.#wakeUps.close();
    await this.#connection.run(LEAVE, []);
    this.#connection.close();
    this.#listener = undefined;
  }

  #renewed({ lapsed, secret }: { readonly lapsed: boolean; readonly secret: string }): void {
    if (secret !== this.#secret && this.#secretIsShared) this.#listener?.secretChanged?.(Buffer.from(secret, 'base64'));
    this.#secret = secret;
    this.#secretIsShared = true;
    this.#tellSecret(Buffer.from(secret, 'base64'));
    if (lapsed || this.#uncertain || performance.now() >= this.#auditAt) void this.#reconcile();
  }

  /** One at a time; what is asked for meanwhile is done once more afterwards. */
  #reconcile(): Promise<void> {
    if (this.#reconciling) {
      this.#uncertain = true;
      return this.#reconciling;
    }
    this.#reconciling = this.#reconcileUntilCertain().finally(() => (this.#reconciling = undefined));
    return this.#reconciling;
  }

  async #reconcileUntilCertain(): Promise<void> {
    for (let finished = false; !finished;) {
      this.#uncertain = false;
      this.#auditAt = performance.now() + jittered(this.#timing.auditMs);
      if (!(await this.#reconciliation.run())) {
        // The next renewal begins anew.
        this.#uncertain = true;
        return;
      }
      finished = !this.#isUncertain();
    }
  }

  #isUncertain(): boolean {
    return this.#uncertain;
  }

  #obey(order: RegistryOrder): void {
    if (order.kind === 'moved' && (order.continues || order.stopIsSent)) this.#book.close(order.session);
    // Not from within a request: its caller does not expect to be called back.
    queueMicrotask(() => this.#listener?.order(order));
  }

  /** A node that is not registered renews first, then asks once more; a second refusal counts as no answer. */
  async #ask(script: RegistryScript, args: readonly (string | number)[]): Promise<RegistryReply | undefined> {
    const reply = await this.#connection.run(script, args);
    if (reply?.status !== 'unregistered') return reply;
    await this.#registration.beat();
    const second = await this.#connection.run(script, args);
    if (second?.status !== 'unregistered') return second;
    this.#uncertain = true;
    return undefined;
  }

  #assertion({ request, ...session }: BookedSession, contest: Contest): (string | number)[] {
    const { channel, session: id, keyHash, startedAt, stop } = request;
    const { since, state, streamId, playKeyHash, lastTimestamp } = session;
    const record = JSON.stringify({ ...stop, streamId });
    const description = [channel, id, keyHash, startedAt, record, since, state, streamId, playKeyHash, lastTimestamp];
    return [...description, contest, this.#fence()];
  }

  /** Whether an owner that is not registered may be held for dead, not just for late after trouble of the registry. */
  #fence(): 0 | 1 {
    return this.#registration.healthyForMs >= 2 * this.#timing.ttlMs ? 1 : 0;
  }

  /** A lease of this node's own for a session that it does not have. */
  #isLeftOver({ incarnation, session }: Lease): boolean {
    if (incarnation !== this.#address.incarnation || this.#book.sessions.has(session)) return false;
    return this.#listener?.localLeases().every((lease) => lease.session !== session) ?? false;
  }
}
