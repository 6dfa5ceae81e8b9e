import { randomBytes } from 'node:crypto';
import type { StopRecord } from '../auth/stop-record';
import { type Command, commandText } from '../operators/command-parser';
import { type ChannelLife, EMPTY_LIFE, isOver, type Stream } from '../publishing/channel-life';
import type { DueStop, LifeEvent, LifePolicy } from '../publishing/life-events';
import { step } from '../publishing/step';
import { type ChannelStanding, standingOf } from './channel-standing';
import { lifeEventOf } from './command-events';
import type { LifeListener, Location, NodeAddress, NodeEffect, StopFacts } from './life-store';

/** The same text from another member within this time (ms) is the same command. */
const SAME_COMMAND_MS = 5_000;

interface Member {
  address: NodeAddress;
  readonly listener: LifeListener;
}

interface PendingStop {
  readonly record: StopRecord;
  /** The member that delivers it; undefined: nobody yet. */
  pulledBy: string | undefined;
}

/** A command that operators gave a moment ago, perhaps more than once. */
interface GivenCommand {
  /** When it was applied last (ms since the epoch). */
  at: number;
  times: number;
  /** How often each member has reported it. */
  readonly reports: Map<string, number>;
}

interface WaitingEvent {
  readonly channel: string;
  readonly event: LifeEvent;
  /** The member whose event it is, if it is one's. */
  readonly from: string | undefined;
}

/**
 * The lives of all channels for the processes of one machine, in the memory of one of them. Always available; a member
 * is dead once `lost` is called for it. Its methods are for its members' stores, see MemoryLifeStore.
 */
export class MemoryLives {
  /** For relay tokens and key hashes. */
  readonly secret = randomBytes(32);
  readonly #policy: LifePolicy;
  readonly #lives = new Map<string, ChannelLife>();
  readonly #members = new Map<string, Member>();
  /** By `jti`, oldest first. */
  readonly #stops = new Map<string, PendingStop>();
  /** Events that came while another one was applied. */
  readonly #events: WaitingEvent[] = [];
  #isApplying = false;
  /** Gets the stops that no member delivers; undefined: they wait for a member. */
  #heir: ((stops: readonly StopRecord[]) => void) | undefined;
  /** The commands of the last seconds, by their text. */
  readonly #commands = new Map<string, GivenCommand>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(policy: LifePolicy, now: () => number = Date.now) {
    this.#policy = policy;
    this.#now = now;
  }

  join(address: NodeAddress, listener: LifeListener): void {
    this.#members.set(address.id, { address, listener });
    if (this.#stops.size > 0) listener.stopsDue();
  }

  /** The member's process has ended, or is about to: ends what it has, and lets another member deliver its stops. */
  lost(id: string): void {
    if (!this.#members.delete(id)) return;
    for (const pending of this.#stops.values()) if (pending.pulledBy === id) pending.pulledBy = undefined;
    for (const channel of [...this.#lives.keys()]) {
      this.apply(channel, { kind: 'nodeDead', node: id, now: this.#now() }, undefined);
    }
    this.#offerStops(undefined);
  }

  drain(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.address = { ...member.address, draining: true };
    for (const [channel, { stream }] of [...this.#lives]) {
      if (stream?.node === id) this.apply(channel, { kind: 'draining', node: id }, id);
    }
  }

  /** Events that a listener causes are applied after all effects of the present one have been performed. */
  apply(channel: string, event: LifeEvent, from: string | undefined): void {
    this.#events.push({ channel, event, from });
    if (this.#isApplying) return;
    this.#isApplying = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#apply(next);
    } finally {
      this.#isApplying = false;
    }
  }

  pullStops(id: string, max: number): StopRecord[] {
    const pulled: StopRecord[] = [];
    if (!this.#members.has(id)) return pulled;
    for (const pending of this.#stops.values()) {
      if (pulled.length >= max) break;
      if (pending.pulledBy !== undefined) continue;
      pending.pulledBy = id;
      pulled.push(pending.record);
    }
    return pulled;
  }

  stopDelivered(jti: string): void {
    this.#stops.delete(jti);
  }

  /** Stops that this member delivers or that nobody does. */
  dueStops(id: string): number {
    let count = 0;
    for (const { pulledBy } of this.#stops.values()) if (pulledBy === undefined || pulledBy === id) count += 1;
    return count;
  }

  /** The members are about to end: `heir` gets the stops that they leave, as they leave them. */
  leaveStopsTo(heir: (stops: readonly StopRecord[]) => void): void {
    this.#heir = heir;
    this.#offerStops(undefined);
  }

  locate(channel: string): Location | undefined {
    const stream = this.#lives.get(channel)?.stream;
    const owner = stream && this.#members.get(stream.node)?.address;
    if (stream === undefined || owner === undefined) return undefined;
    const { publish, playKeyHash, id } = stream;
    return { channel, publish, streamId: id.streamId, playKeyHash, owner };
  }

  standing(channel: string): ChannelStanding {
    return standingOf(this.#lives.get(channel) ?? EMPTY_LIFE, this.#now());
  }

  addresses(): NodeAddress[] {
    return [...this.#members.values()].map(({ address }) => address);
  }

  /** See `LifeStore`. */
  remember(command: Command, from: string): boolean {
    if (command.verb === 'drain' || command.verb === 'list') return true;
    const now = this.#now();
    this.#forgetOld(now);
    if (!this.#isNew(commandText(command), from, now)) return false;
    const { channel } = command;
    const wasBlocked = (this.#lives.get(channel)?.blockedUntil ?? 0) > now;
    for (const event of lifeEventOf(command, now)) this.apply(channel, event, from);
    return command.verb !== 'unblock' || wasBlocked;
  }

  /** Whether no other member has reported this command yet: a member's second report is the operator's second command. */
  #isNew(text: string, from: string, now: number): boolean {
    const given = this.#commands.get(text) ?? { at: now, times: 0, reports: new Map<string, number>() };
    this.#commands.set(text, given);
    const reports = (given.reports.get(from) ?? 0) + 1;
    given.reports.set(from, reports);
    if (reports <= given.times) return false;
    given.times = reports;
    given.at = now;
    return true;
  }

  #apply({ channel, event, from }: WaitingEvent): void {
    const life = this.#lives.get(channel) ?? EMPTY_LIFE;
    const { life: next, effects } = step(life, event, this.#policy);
    if (isOver(next, this.#now())) this.#lives.delete(channel);
    else this.#lives.set(channel, next);
    const perNode = new Map<string, NodeEffect[]>();
    let hasStops = false;
    for (const effect of effects) {
      if (effect.kind === 'stop') {
        this.#keepStop(effect.stop);
        hasStops = true;
        continue;
      }
      const ofNode = perNode.get(effect.node) ?? [];
      ofNode.push(effect);
      perNode.set(effect.node, ofNode);
    }
    for (const [node, ofNode] of perNode) this.#members.get(node)?.listener.perform(channel, ofNode);
    if (hasStops) this.#offerStops(from);
    if (looksDifferent(life.stream, next.stream)) {
      for (const { listener } of this.#members.values()) listener.channelChanged(channel);
    }
  }

  #keepStop({ jti, streamId, startJti, about }: DueStop): void {
    const facts = JSON.parse(about) as StopFacts;
    this.#stops.set(jti, { record: { ...facts, jti, streamId, startJti }, pulledBy: undefined });
  }

  /** Tells a member, if possible this one, that there are stops to pull. */
  #offerStops(to: string | undefined): void {
    const first = to === undefined ? undefined : this.#members.get(to);
    if (first !== undefined) {
      first.listener.stopsDue();
      return;
    }
    const free = [...this.#stops.values()].filter(({ pulledBy }) => pulledBy === undefined);
    if (free.length === 0) return;
    if (this.#heir !== undefined) {
      const records = free.map(({ record }) => record);
      for (const { jti } of records) this.#stops.delete(jti);
      this.#heir(records);
      return;
    }
    const members = [...this.#members.values()];
    const next = members.find(({ address }) => !address.draining) ?? members[0];
    next?.listener.stopsDue();
  }

  /** Removes old commands and blocks, which would otherwise accumulate. */
  #forgetOld(now: number): void {
    for (const [text, { at }] of this.#commands) if (now - at >= SAME_COMMAND_MS) this.#commands.delete(text);
    for (const [channel, life] of this.#lives) if (isOver(life, now)) this.#lives.delete(channel);
  }
}

/** Whether a look-up gives another result. */
function looksDifferent(before: Stream | undefined, after: Stream | undefined): boolean {
  return before?.publish !== after?.publish || before?.state !== after?.state;
}
