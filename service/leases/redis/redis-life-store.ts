import { randomBytes, randomUUID } from 'node:crypto';
import type { StopRecord } from '../../auth/stop-record';
import type { RedisConfig } from '../../config/redis-settings';
import type { Logger } from '../../logging/logger';
import { type ChannelCommand, type Command, commandText, type UnblockCommand } from '../../operators/command-parser';
import type { LifeEvent, LifePolicy } from '../../publishing/life-events';
import { step } from '../../publishing/step';
import type { ChangingPassword } from '../../redis/redis-password';
import { within } from '../../time/within';
import { lifeEventOf } from '../command-events';
import type { FleetKeys } from '../fleet-keys';
import type { LifeListener, LifeStore, Location, NodeAddress, NodeEffect, StopFacts } from '../life-store';
import type { StoredLife } from '../life-copy';
import { NodeLives } from '../node-lives';
import { CapabilityCheck } from './capability-check';
import { DeadNodeSweeper } from './dead-node-sweeper';
import { KnownBlocks } from './known-blocks';
import { type Letter, readLife, readPlace, SCHEMA } from './life-documents';
import { Mailbox } from './mailbox';
import { NodeRegistration } from './node-registration';
import { readAddress } from './read-address';
import { RecordSeal } from './record-seal';
import { RedisLives } from './redis-lives';
import { RedisStops } from './redis-stops';
import { RegistryConnection } from './registry-connection';
import { DEFAULT_TIMING, jittered, type RegistryTiming } from './registry-timing';
import { ReportedCommands } from './reported-commands';
import { DEAD, LOCATE, READ_LIFE, LIST_CHANNELS } from './scripts/life-scripts';
import { LEAVE } from './scripts/node-scripts';
import { type ChannelStanding, standingOf, UNKNOWN_STANDING } from '../channel-standing';
import { Roster } from './roster';
import { Settlement } from './settlement';
import { WakeUps } from './wake-ups';

export interface RedisLifeStoreOptions {
  readonly config: RedisConfig;
  readonly password?: ChangingPassword | undefined;
  /** How other nodes reach this node. The id is letters, digits and `._:-`, and unique among living nodes. */
  readonly address: Pick<NodeAddress, 'id' | 'host' | 'port' | 'proxyHeader'>;
  readonly policy: LifePolicy;
  readonly log: Logger;
  /** Encrypt the data that readers of Redis must not learn. */
  readonly keys: FleetKeys;
  readonly timing?: Partial<RegistryTiming>;
  /** Fleets that share a Redis need one each. Must hold a hash tag; default `{rtmp}:`. */
  readonly prefix?: string;
  /** Default: this release's. */
  readonly schema?: number;
}

const SECRET_BYTES = 32;
/**
 * How long a start waits to be registered (ms). An available Redis answers in a hundredth of that, also at the second
 * attempt; an unavailable one must not keep a node from accepting publishers, and connected encoders wait this long.
 */
const JOIN_MS = 2_000;
/** How long the node of another publisher has to say that he has gone, in renewals. */
const CONTEST_BEATS = 1.5;
/** Longest pause before a change is tried again that another node's change has overtaken (ms). */
const MAX_PAUSE_MS = 200;

/**
 * The fleet's store of lives in one Redis 6.2+ or Valkey. Of a cluster it uses the node that has its keys, all of which
 * have the same hash tag: further shards neither help nor harm.
 *
 * ## What is kept (each key begins with the prefix)
 * - `node:<id>`: the node's registration with its incarnation (one run of the process); expires unless renewed.
 * - `roster`, `roster-log`, `departed`: addresses of all nodes, the latest changes, and the departed: see `ROSTER`.
 * - `nodes`: every member, as `<id>/<incarnation>`, that may have left something.
 * - `life:<channel>`: the channel's life as JSON, with a version that is unique for all time.
 * - `channels:<member>`: the channels in whose lives the member has a part; and under `#` the count of its writes.
 * - `stops:<member>`: stops that that node has to deliver. `mail:<member>`: what others' steps have for it.
 * - `order:<channel>`, `order-node:<id>`: when an operator's command was reported, as `<µs> <command>`.
 * - `clock`: the last time that a script recorded. `era`: from its end scripts know the server's time. `secret`, and
 *   `sweeper`: who looks for the dead.
 * - `channel <name>` and `mail <member>` are Redis channels, for announcements, which may get lost, to the nodes that
 *   wait for a change of that channel, and to the node that has mail.
 *
 * ## How it works
 * A node reads a life, applies the machine's `step` to it, and has one script store the result if the life is still the
 * one that it has read; otherwise it applies the step to the life that the script returns. The same script stores the
 * stops that are due and posts other nodes' effects, and returns the caller's own mail, so that a node hears of all
 * earlier steps before it carries out its own. It is carried out only for a registered incarnation, for the newest
 * connection of it, and as long as the caller waits for the answer.
 *
 * A node renews its registration every few seconds. Whenever a renewal says that the registration had lapsed, or the
 * count of the node's own writes went back (Redis was restored or failed over), the node asserts what it has of each
 * channel; after an unanswered request, of that channel. See `asserted`. Without Redis it applies events to its own copy.
 * One node looks for dead incarnations, and tells the lives of their channels, after it has seen them dead twice and its
 * own renewals have succeeded for two TTLs: after an outage of Redis all nodes look dead, and get the time to renew.
 *
 * ## What must not happen
 * - *Two publishers have one channel.* Redis runs one script at a time, and each compares versions.
 * - *A request is carried out after its node has given it up.* It says until when, by the server's clock.
 * - *A request that a dead connection left in Redis's socket is executed late.* It contains the connection's number,
 *   and is refused once a newer connection has registered.
 * - *A paused node keeps a channel that was taken from it.* The first thing that it does when it runs again is the
 *   overdue renewal, which says "lapsed"; it asserts, and finds its publish claimed or replaced. Mail from before it was
 *   taken for dead comes with that renewal.
 * - *A stop is lost.* It is stored in the same step as the life that it leaves; a claim moves it in one step.
 * - *Mail is read but not carried out.* It stays until the next renewal confirms that it has arrived.
 *
 * ## What is not promised
 * - Redis replicates asynchronously: a failover may lose the last writes. Until their node has noticed, with its next
 *   answer or renewal, another node can let a publisher in; then the one that came later is ended.
 * - Stops that a node left behind are lost if Redis loses all data before they are claimed.
 */
export class RedisLifeStore implements LifeStore {
  readonly #log: Logger;
  readonly #connection: RegistryConnection;
  readonly #registration: NodeRegistration;
  readonly #sweeper: DeadNodeSweeper;
  readonly #lives: NodeLives;
  readonly #stops: RedisStops;
  readonly #settlement: Settlement;
  readonly #wakeUps: WakeUps;
  readonly #capabilities: CapabilityCheck;
  readonly #reported: ReportedCommands;
  readonly #roster = new Roster();
  readonly #blocks = new KnownBlocks();
  readonly #seal: RecordSeal;
  readonly #schema: number;
  readonly #ttlMs: number;
  readonly #secretKnown: Promise<Buffer>;
  #tellSecret: (secret: Buffer) => void = () => undefined;
  #secret = randomBytes(SECRET_BYTES).toString('base64');
  #secretIsShared = false;
  #address: NodeAddress;
  #listener: LifeListener | undefined;

  constructor(options: RedisLifeStoreOptions) {
    const { config, password, address, policy, log, keys, prefix = '{rtmp}:', schema = SCHEMA } = options;
    const timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#log = log;
    this.#schema = schema;
    this.#ttlMs = timing.ttlMs;
    this.#address = { ...address, incarnation: randomUUID(), draining: false };
    const { id: nodeId, incarnation } = this.#address;
    const { requestTimeoutMs, auditMs } = timing;
    const connection = new RegistryConnection({ config, password, prefix, requestTimeoutMs, nodeId, incarnation });
    this.#connection = connection;
    this.#capabilities = new CapabilityCheck(connection, log);
    this.#reported = new ReportedCommands(connection);
    this.#seal = new RecordSeal(keys, log);
    keys.onChange(() => this.#sealAgain());
    const mailbox = new Mailbox(schema, (letter) => this.#receive(letter));
    this.#registration = new NodeRegistration({
      ...{ connection, timing, log, mailbox, schema },
      secret: () => this.#secret,
      address: () => this.#address,
      roster: this.#roster,
      lapsed: () => this.#settlement.doubtAll(),
      renewed: (secret) => this.#renewed(secret),
    });
    this.#stops = new RedisStops({
      ...{ connection, schema },
      open: (about, channel) => this.#seal.open(about, channel),
      due: () => this.#listener?.stopsDue(),
      uncertain: () => this.#settlement.doubtStops(),
    });
    const lives = new RedisLives({
      ...{ connection, mailbox, log, schema, member: this.member },
      isRegistered: () => this.#registration.registered,
      register: () => this.#registration.beat(),
      doubt: () => {
        // A stop may have been stored with the change.
        this.#settlement.doubtStops();
        void this.#registration.beat();
      },
    });
    this.#lives = new NodeLives({
      ...{ member: this.member, policy, step, now: () => Date.now(), contestMs: CONTEST_BEATS * timing.beatMs },
      isUp: () => connection.ready,
      change: (change, done) =>
        void lives.change(change, (outcome) => {
          if (outcome.kind === 'changed' || outcome.kind === 'other')
            this.#compareBlock(change.channel, outcome.stored);
          done(outcome);
        }),
      dead: (members, done) => void this.#dead(members).then(done),
      later: (round, act) => void setTimeout(act, Math.random() * Math.min(MAX_PAUSE_MS, 2 ** round)),
      perform: (channel, effects) => this.#listener?.perform(channel, this.#withReadableOrders(channel, effects)),
      refusalAlone: (channel) => this.#blocks.refusal(channel, Date.now()) ?? this.#listener?.refusalAlone(channel),
      stopDue: (channel, stop, isStored) => {
        // The secret may have changed while the registry was asked.
        const about = this.#seal.renew(stop.about, channel);
        this.#stops.add({ channel, stop: { ...stop, about } }, isStored && about === stop.about);
      },
    });
    this.#settlement = new Settlement({
      ...{ lives: this.#lives, stops: this.#stops, log, auditMs: jittered(auditMs) },
      storedChannels: async () => (await connection.run(LIST_CHANNELS, {}))?.rest,
    });
    this.#sweeper = new DeadNodeSweeper({
      ...{ connection, timing, log },
      healthyForMs: () => this.#registration.healthyForMs,
      nodeDead: (channel, node) => this.#apply(channel, { kind: 'nodeDead', node, now: Date.now() }),
      waitingStops: () => this.#stops.due,
      claimed: (stops) => this.#stops.claimed(stops),
      departed: (id) => this.#listener?.nodeLeft?.(id),
    });
    this.#wakeUps = new WakeUps({
      ...{ config, password, prefix, member: this.member },
      // A node that is not registered fetches its mail when it registers.
      mail: () => void (this.connected && this.#registration.beat()),
      channelChanged: (channel) => this.#listener?.channelChanged(channel),
    });
    this.#secretKnown = new Promise((resolve) => (this.#tellSecret = resolve));
  }

  get self(): NodeAddress {
    return this.#address;
  }

  get member(): string {
    return `${this.#address.id}/${this.#address.incarnation}`;
  }

  get connected(): boolean {
    return this.#registration.registered;
  }

  get refused(): readonly string[] {
    return this.#capabilities.refused;
  }

  get dueStops(): number {
    return this.#stops.due;
  }

  reachableAt(host: string, port: number, httpPort?: number): void {
    this.#address = { ...this.#address, host, port, httpPort };
  }

  async start(listener: LifeListener): Promise<void> {
    this.#listener = listener;
    const connection = this.#connection;
    connection.onConnected = () => {
      this.#registration.connectionChanged();
      void this.#registration.beat();
      void this.#capabilities.run();
    };
    connection.onWritesLost = () => {
      this.#log.warning('The fleet registry has lost writes of this node, they are repeated');
      this.#settlement.doubtAll();
      this.#registration.registryChanged();
      void this.#registration.beat();
    };
    connection.connect();
    this.#wakeUps.connect();
    this.#sweeper.start();
    // The first successful renewal returns the secret.
    await within(JOIN_MS, this.#secretKnown, () => undefined);
    // Logs the fault, which otherwise only the first renewal on a connection would.
    if (!this.connected) void this.#registration.beat();
  }

  async apply(channel: string, event: LifeEvent): Promise<void> {
    if (event.kind === 'ordered') {
      const orders = this.#seal.closeOrders(event.orders, channel);
      if (orders !== undefined) await this.#apply(channel, { ...event, orders });
      return;
    }
    await this.#apply(channel, event);
  }

  about(facts: StopFacts): string {
    return this.#seal.close(facts);
  }

  pullStops(max: number): Promise<readonly StopRecord[]> {
    return Promise.resolve(this.#stops.pull(max));
  }

  async stopDelivered(jti: string): Promise<void> {
    await this.#stops.delivered(jti);
    this.#sweeper.more();
  }

  async locate(channel: string): Promise<Location | undefined> {
    const reply = await this.#connection.run(LOCATE, { channel });
    const [text, owner] = reply?.rest ?? [];
    if (text === undefined || owner === undefined) return undefined;
    // What a later release has written is left alone, but its viewers are not.
    const place = readPlace(text);
    return place && { channel, ...place, owner: readAddress(owner) };
  }

  async standing(channel: string): Promise<ChannelStanding> {
    const reply = await this.#connection.run(READ_LIFE, { channel });
    const life = readLife(reply?.rest[0] ?? '', this.#schema)?.stored?.life;
    return life === undefined ? UNKNOWN_STANDING : standingOf(life, Date.now());
  }

  async remember(command: Command): Promise<boolean> {
    if (command.verb === 'list') return false;
    const text = commandText(command);
    if (command.verb === 'drain') return (await this.#reported.report(command.verb, command.node, text)) === 'first';
    const { channel, verb } = command;
    const now = Date.now();
    if (verb === 'block') this.#blocks.command(channel, now + command.seconds * 1000, now);
    else if (verb === 'unblock') this.#blocks.command(channel, 0, now);
    const isHere = this.#lives.find(channel) !== undefined;
    return new Promise((resolve) => {
      // A publisher that this node ends may come back before it is known what the fleet makes of the command.
      this.#lives.command(channel, text, (decided) => {
        void this.#decide(command, text, isHere).then(({ events, isFirst, wasBlocked }) => {
          decided(events, () => resolve(isFirst && (verb !== 'unblock' || wasBlocked)));
        });
      });
    });
  }

  /** What commands mean for this node's streams is in its mail. */
  async redeliverCommands(): Promise<void> {
    await this.#registration.beat();
  }

  async drain(): Promise<void> {
    this.#address = { ...this.#address, draining: true };
    const node = this.member;
    const live = this.#lives.channels.filter((channel) => this.#lives.find(channel)?.stream?.node === node);
    await Promise.all([
      this.#registration.beat(),
      ...live.map((channel) => this.#apply(channel, { kind: 'draining', node })),
    ]);
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
    this.#settlement.stop();
    this.#registration.stop();
    this.#wakeUps.close();
    this.#capabilities.close();
    await this.#connection.run(LEAVE, {});
    this.#connection.close();
    this.#listener = undefined;
  }

  #withReadableOrders(channel: string, effects: readonly NodeEffect[]): readonly NodeEffect[] {
    return effects.map((effect) => {
      if (effect.kind !== 'letIn' || effect.id.orders === undefined) return effect;
      const { orders: sealed, ...id } = effect.id;
      const orders = this.#seal.openOrders(sealed, channel);
      return { ...effect, id: { ...id, ...(orders !== undefined && { orders }) } };
    });
  }

  /** False if the registry does not have the event. */
  #apply(channel: string, event: LifeEvent): Promise<boolean> {
    return new Promise((resolve) => this.#lives.apply(channel, event, resolve));
  }

  /** Nodes that look dead soon after an outage of the registry may only be late. */
  async #dead(members: readonly string[]): Promise<readonly string[]> {
    if (this.#registration.healthyForMs < 2 * this.#ttlMs) return [];
    const reply = await this.#connection.run(DEAD, { members });
    return reply?.rest ?? [];
  }

  /** The first node that reports a command applies it; without an answer, each does; a block, each that it concerns. */
  async #decide(
    command: ChannelCommand | UnblockCommand,
    text: string,
    isHere: boolean,
  ): Promise<{ events: readonly LifeEvent[]; isFirst: boolean; wasBlocked: boolean }> {
    const { channel, verb } = command;
    const report = await this.#reported.report(verb, channel, text);
    const acts = report !== 'known' || (verb === 'block' && isHere);
    const now = Date.now();
    let wasBlocked = false;
    if (acts && verb === 'unblock') {
      const reply = await this.#connection.run(READ_LIFE, { channel });
      const stored = readLife(reply?.rest[0] ?? '', this.#schema)?.stored;
      wasBlocked = (stored?.life.blockedUntil ?? 0) > now;
    }
    return { events: acts ? lifeEventOf(command, now) : [], isFirst: report === 'first', wasBlocked };
  }

  #receive(letter: Letter): void {
    if (letter.kind === 'command') {
      this.#listener?.command(letter.text);
      return;
    }
    const { channel, stored, effects, command } = letter;
    if (command !== undefined && !this.#reported.has(command)) this.#listener?.command(command);
    if (stored?.life.blockedUntil !== undefined) this.#compareBlock(channel, stored);
    this.#lives.mail(channel, stored, effects);
  }

  #compareBlock(channel: string, stored: StoredLife | undefined): void {
    this.#blocks.compare(channel, stored?.life.blockedUntil ?? 0, Date.now());
  }

  #renewed(secret: string): void {
    const known = Buffer.from(secret, 'base64');
    if (secret !== this.#secret && this.#secretIsShared) this.#listener?.secretChanged?.(known);
    this.#secret = secret;
    this.#secretIsShared = true;
    this.#tellSecret(known);
    this.#settlement.renewed();
  }

  /** The secret has changed: a node that starts with the new secret must be able to read this node's records. */
  #sealAgain(): void {
    if (this.#listener === undefined) return;
    const again = (about: string, channel: string): string => this.#seal.renew(about, channel);
    this.#lives.rewrite(again);
    this.#stops.rewrite(again);
    void this.#registration.beat();
  }
}
