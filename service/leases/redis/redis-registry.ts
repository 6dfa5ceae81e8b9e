import { randomBytes, randomUUID } from 'node:crypto';
import { within } from '../../time/within';
import { type Command, commandText } from '../../operators/command-parser';
import type { ChangingPassword } from '../../redis/redis-password';
import type { RedisConfig } from '../../config/redis-settings';
import type { Logger } from '../../logging/logger';
import { CapabilityCheck } from './capability-check';
import { BLOCKED, MISSED, REMEMBER } from './scripts/command-scripts';
import { DeadNodeSweeper } from './dead-node-sweeper';
import { LOCATE } from './scripts/lease-scripts';
import { NodeRegistration } from './node-registration';
import { LEAVE } from './scripts/node-scripts';
import { RecordSeal } from './record-seal';
import { Reconciliation } from './reconciliation';
import { ReconciliationSchedule } from './reconciliation-schedule';
import { RegistryConnection } from './registry-connection';
import { DEFAULT_TIMING, type RegistryTiming } from './registry-timing';
import { readAddress, readLease } from './reply-records';
import { PublishBook } from './publish-book';
import { PublishRequests } from './publish-requests';
import { Roster } from './roster';
import { WakeUps } from './wake-ups';
import { KEEP_STOP } from './scripts/record-scripts';
import type { FleetKeys } from '../fleet-keys';
import type { StopRecord } from '../../auth/stop-record';
import type {
  AcquireOutcome,
  Lease,
  LeaseRequest,
  NodeAddress,
  RegistryListener,
  RegistryOrder,
  LeaseRegistry,
} from '../lease-registry';

export interface RedisRegistryOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  /** How other nodes reach this node. The id is letters, digits and `._:-`, and unique among living nodes. */
  readonly address: Pick<NodeAddress, 'id' | 'host' | 'port' | 'proxyHeader'>;
  readonly log: Logger;
  /** Encrypt the data that readers of Redis must not learn. */
  readonly keys: FleetKeys;
  readonly timing?: Partial<RegistryTiming>;
  /** Fleets that share a Redis need one each. Must hold a hash tag; default `{rtmp}:`. */
  readonly prefix?: string;
}

const SECRET_BYTES = 32;
/**
 * How long a start waits to be registered (ms). An available Redis answers in a hundredth of that, also at the second
 * attempt; an unavailable one must not keep a node from accepting publishers, and connected encoders wait this long.
 */
const JOIN_MS = 2_000;

/**
 * The fleet's registry in one Redis 6.2+ or Valkey. Of a cluster it uses the node that has its keys, all of which have
 * the same hash tag: further shards neither help nor harm.
 *
 * ## What is kept (each key begins with the prefix)
 * - `node:<id>`: the node's registration with its incarnation (one run of the process); expires unless renewed.
 * - `roster`, `roster-log`: addresses of all nodes, and the latest changes: see `ROSTER`.
 * - `nodes`: every incarnation, as `<id>/<incarnation>`, that may have publishes or stops to be claimed.
 * - `lease:<channel>`: who has the channel. **Valid only while the owner is registered in that incarnation**, so that
 *   renewing a node renews all its leases.
 * - `publishes:<id>/<incarnation>`: the record for sending the stop of each publish, from before `start` is asked, with
 *   its stream key encrypted; and under `#` the count of the node's writes.
 * - `stops:<id>/<incarnation>`: stops that that node has to send. `mail:<id>/<incarnation>`: orders for it.
 * - `gone:<publishId>`: a tombstone with the fate of a publish that lost its lease. `lost`: another publish has the
 *   channel, and its node still has to send the stop. `continued`: the stream continues, no stop. `claimed`: another
 *   node sends it.
 * - `block:<channel>`, `order:<channel>`, `order-node:<id>`: operators' commands; the orders as `<µs> <command>`.
 * - `clock`: the last time that a script recorded. `secret`, and `sweeper`: who looks for the dead.
 * - `channel <name>` and `mail <id>/<incarnation>` are Redis channels, for announcements, which may get lost, to the
 *   nodes that wait for a change of that channel, and to the node that has mail.
 *
 * ## How it works
 * Each step is one atomic script, for one incarnation and one connection of it. Steps that take a lease or record are
 * refused unless that incarnation is registered; steps on a lease, unless that publish still has it.
 *
 * A node renews its registration every few seconds. Whenever a renewal says that the registration had lapsed, a request
 * was not answered, or the count of the node's own writes went back (Redis was restored or failed over), the node
 * reconciles its streams with the registry: it asserts each publish, and learns from a tombstone or another publish's
 * lease that its copy has to end. One node claims dead incarnations, after it has seen them dead twice and its own
 * renewals have succeeded for two TTLs: after an outage of Redis all nodes look dead, and get the time to renew.
 *
 * ## What must not happen
 * - *Two publishes acquire one channel.* One script checks and takes the lease; Redis runs one script at a time.
 * - *A paused node keeps publishing after its channel was taken.* The taker left a tombstone; the first thing that a
 *   node does when it runs again is the overdue renewal, which says "lapsed", and asserting finds the tombstone. Until
 *   that answer, one round trip, its copy may still send received media: the price of streams that survive Redis.
 * - *A request that a dead connection left in Redis's socket is executed late.* It contains the connection's number,
 *   and is refused once a newer connection has registered.
 * - *Both of two live publishers end, or neither.* Without Redis, or after it lost writes, two nodes may each have
 *   accepted one. Each asserts; against a valid lease the later start loses (equal ones by publish id), and the loser
 *   gets a tombstone and an order. The loser asserts again after the time of one renewal before it ends, because Redis
 *   may have lost the write that freed the other lease. That rule never undoes a replacement: the replaced publish has
 *   a tombstone already.
 * - *A stop is lost.* The record exists before `start` is asked, `end` moves it to the pending stops in one step, and a
 *   claim moves both to the claimant in one step. If the answer to the claim is lost, the claimant finds the stops
 *   among its own when it reconciles. A publish whose start was still being decided gets a stop too: it may have been
 *   accepted.
 * - *Two stops for one stream.* A publish's stop has one `jti` for ever; claims are exclusive; a tombstone keeps the
 *   former owner from sending it again. A repetition with the same `jti` is possible if an answer was lost.
 * - *A living node is claimed after an outage of Redis.* See above: two TTLs without a failure, and the script checks
 *   again.
 * - *Mail is read but not executed.* It stays until the next renewal confirms that it has arrived.
 * - *A kill misses a publish that is being decided, or hits the next one.* Commands and publishes are stored with the
 *   server's time, which increases with each of them, and commands end publishes that the registry knew before;
 *   `confirm` checks a publish against them.
 *
 * ## What is not promised
 * - Redis replicates asynchronously: a failover may lose the last writes. Until their node has noticed, with its next
 *   answer or renewal, another node can acquire the same channel; then the later publisher is ended.
 * - If only one node is cut off from Redis for longer than the TTL, it is claimed, and its copies end when it is back.
 *   If a held stream's grace time ends meanwhile, it sends the stop although another node may have resumed the stream.
 * - Stops that a node left behind are lost if Redis loses all data before they are claimed.
 * - The nodes' clocks decide which of two publishers was earlier.
 */
export class RedisRegistry implements LeaseRegistry {
  readonly #log: Logger;
  readonly #timing: RegistryTiming;
  readonly #connection: RegistryConnection;
  readonly #registration: NodeRegistration;
  readonly #sweeper: DeadNodeSweeper;
  readonly #schedule: ReconciliationSchedule;
  readonly #requests: PublishRequests;
  readonly #wakeUps: WakeUps;
  readonly #capabilities: CapabilityCheck;
  readonly #book = new PublishBook();
  readonly #roster = new Roster();
  readonly #seal: RecordSeal;
  readonly #secretKnown: Promise<Buffer>;
  #tellSecret: (secret: Buffer) => void = () => undefined;
  #secret = randomBytes(SECRET_BYTES).toString('base64');
  #secretIsShared = false;
  #address: NodeAddress;
  #listener: RegistryListener | undefined;

  constructor({ config, password, address, log, keys, timing, prefix = '{rtmp}:' }: RedisRegistryOptions) {
    this.#log = log;
    this.#timing = { ...DEFAULT_TIMING, ...timing };
    this.#address = { ...address, incarnation: randomUUID(), draining: false };
    const { id: nodeId, incarnation } = this.#address;
    const { requestTimeoutMs, ttlMs, beatMs, auditMs } = this.#timing;
    this.#connection = new RegistryConnection({ config, password, prefix, requestTimeoutMs, nodeId, incarnation });
    this.#capabilities = new CapabilityCheck(this.#connection, log);
    this.#seal = new RecordSeal(keys, log);
    const shared = { connection: this.#connection, timing: this.#timing, log, book: this.#book, seal: this.#seal };
    keys.onChange(() => this.#sealAnew());
    this.#registration = new NodeRegistration({
      ...shared,
      secret: () => this.#secret,
      address: () => this.#address,
      roster: this.#roster,
      renewed: (renewal) => this.#renewed(renewal),
      mail: (mail) => this.#order(mail),
    });
    this.#sweeper = new DeadNodeSweeper({
      ...shared,
      healthyForMs: () => this.#registration.healthyForMs,
      claimed: (stops) => this.#claimed(stops),
    });
    this.#requests = new PublishRequests({
      ...shared,
      incarnation,
      renew: () => this.#registration.beat(),
      mayBury: () => this.#registration.healthyForMs >= 2 * ttlMs,
      isServed: (publishId) => this.#listener?.localLeases().some((lease) => lease.publishId === publishId) ?? false,
      doubt: () => this.#schedule.doubt(),
      reconcile: () => this.#schedule.now(),
      order: (order) => this.#order(order),
    });
    const reconciliation = new Reconciliation({
      ...shared,
      listener: () => this.#listener,
      assert: (publishId, contest) => this.#requests.assert(publishId, contest),
      contestMs: beatMs,
    });
    this.#schedule = new ReconciliationSchedule({ reconciliation, auditMs, log });
    this.#wakeUps = new WakeUps({
      config,
      password,
      prefix,
      member: `${nodeId}/${incarnation}`,
      // A node that is not registered fetches its mail when it registers.
      mail: () => void (this.connected && this.#registration.beat()),
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

  get refused(): readonly string[] {
    return this.#capabilities.refused;
  }

  reachableAt(host: string, port: number, httpPort?: number): void {
    this.#address = { ...this.#address, host, port, httpPort };
  }

  async start(listener: RegistryListener): Promise<void> {
    this.#listener = listener;
    this.#connection.onConnected = () => {
      this.#registration.connectionChanged();
      void this.#registration.beat();
      void this.#capabilities.run();
    };
    this.#connection.onUncertain = () => this.#schedule.doubt();
    this.#connection.onWritesLost = () => {
      this.#log.warning('The fleet registry has lost writes of this node, they are repeated');
      this.#schedule.doubt();
      this.#registration.registryChanged();
      void this.#registration.beat();
    };
    this.#connection.connect();
    this.#wakeUps.connect();
    this.#sweeper.start();
    // The first successful renewal returns the secret.
    await within(JOIN_MS, this.#secretKnown, () => undefined);
    // Logs the fault, which otherwise only the first renewal on a connection would.
    if (!this.connected) void this.#registration.beat();
  }

  acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    return this.#requests.acquire(request);
  }

  announce(request: LeaseRequest): Promise<void> {
    return this.#requests.announce(request);
  }

  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean | undefined> {
    return this.#requests.replace(request, from, continues);
  }

  confirm(channel: string, publishId: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    return this.#requests.confirm(channel, publishId, live);
  }

  hold(channel: string, publishId: string, lastTimestamp: number): Promise<void> {
    return this.#requests.hold(channel, publishId, lastTimestamp);
  }

  keep(channel: string, publishId: string, keeps: boolean): Promise<void> {
    return this.#requests.keep(channel, publishId, keeps);
  }

  abandon(channel: string, publishId: string): Promise<void> {
    return this.#requests.abandon(channel, publishId);
  }

  end(channel: string, publishId: string, stop: StopRecord): Promise<boolean> {
    return this.#requests.end(channel, publishId, stop);
  }

  forget(publishId: string): Promise<void> {
    return this.#requests.forget(publishId);
  }

  pendingStops(): readonly StopRecord[] {
    return [...this.#book.pendingStops.values()];
  }

  stopDelivered(jti: string): Promise<void> {
    return this.#requests.stopDelivered(jti);
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

  async blockedSeconds(channel: string): Promise<number> {
    const reply = await this.#connection.run(BLOCKED, [channel]);
    return Number(reply?.rest[0] ?? 0);
  }

  async redeliverCommands(): Promise<void> {
    const live = (this.#listener?.localLeases() ?? []).map((lease) => this.#book.latest(lease.publishId, lease));
    const args = live.flatMap((booked) =>
      booked ? [booked.request.channel, booked.since || booked.request.startedAt * 1000] : [],
    );
    if (args.length === 0) return;
    const reply = await this.#connection.run(MISSED, args);
    for (const text of reply?.rest ?? []) this.#order({ kind: 'command', text });
  }

  async drain(): Promise<void> {
    this.#address = { ...this.#address, draining: true };
    await this.#registration.beat();
  }

  fleetSecret(): Promise<Buffer> {
    return this.#secretKnown;
  }

  get knownNodes(): readonly NodeAddress[] {
    return this.#roster.nodes;
  }

  /** A renewal brings the latest changes. */
  async nodes(): Promise<readonly NodeAddress[]> {
    return (await this.#registration.beat()) ? this.#roster.nodes : [];
  }

  watch(channel: string): Promise<void> {
    return this.#wakeUps.watch(channel);
  }

  unwatch(channels: readonly string[]): void {
    this.#wakeUps.unwatch(channels);
  }

  async stop(): Promise<void> {
    this.#sweeper.stop();
    this.#registration.stop();
    this.#wakeUps.close();
    this.#capabilities.close();
    await this.#connection.run(LEAVE, []);
    this.#connection.close();
    this.#listener = undefined;
  }

  #renewed({ lapsed, secret }: { readonly lapsed: boolean; readonly secret: string }): void {
    const known = Buffer.from(secret, 'base64');
    if (secret !== this.#secret && this.#secretIsShared) this.#listener?.secretChanged?.(known);
    this.#secret = secret;
    this.#secretIsShared = true;
    this.#tellSecret(known);
    this.#schedule.renewed(lapsed);
  }

  /** The secret has changed: a node that starts with the new secret must be able to read this node's records. */
  #sealAnew(): void {
    if (this.#listener === undefined) return;
    this.#schedule.doubt();
    for (const stop of this.#book.pendingStops.values()) {
      void this.#connection.run(KEEP_STOP, [stop.jti, this.#seal.close(stop)]);
    }
  }

  #claimed(stops: readonly StopRecord[]): void {
    const fresh = this.#book.adopt(stops);
    if (fresh.length > 0) this.#listener?.stopsClaimed(fresh);
    // Some stops are known to be delivered already: a failover has undone a claim.
    if (fresh.length < stops.length) this.#schedule.doubt();
  }

  #order(order: RegistryOrder): void {
    if (order.kind === 'moved' && (order.continues || order.stopIsSent)) this.#book.close(order.publishId);
    // Not from within a request: its caller does not expect to be called back.
    queueMicrotask(() => this.#listener?.order(order));
  }
}
