import { randomBytes } from 'node:crypto';
import { type Command, commandText, endsStream } from '../operators/command-parser';
import type { StopRecord } from '../auth/stop-record';
import type { AcquireOutcome, Lease, LeaseRequest, NodeAddress, RegistryListener } from './lease-registry';

/** How long an operator's command is kept for members that missed it (ms). */
const KEEP_COMMAND_MS = 600_000;
/** The same text within this time (ms) is the same command, received by another member. */
const SAME_COMMAND_MS = 5_000;

interface Member {
  address: NodeAddress;
  readonly listener: RegistryListener;
  /** Stops that this member has to send: of its streams by publish, and those being sent by `jti`. */
  readonly stops: Map<string, StopRecord>;
}

interface KeptCommand {
  readonly command: Command;
  readonly at: number;
}

/**
 * The registry of the processes of one machine, in the memory of one of them. It never fails and is always available; a
 * member is dead once `lost` is called for it. Its methods are for its members' views, see MemoryRegistryView.
 */
export class MemoryRegistry {
  /** For relay tokens and key hashes. */
  readonly secret = randomBytes(32);
  readonly #leases = new Map<string, Lease>();
  readonly #members = new Map<string, Member>();
  /** Stops of members that were lost when there was no other member; the next member has to send them. */
  readonly #unclaimed: StopRecord[] = [];
  /** Gets the stops of lost members; undefined: another member gets them. */
  #heir: ((stops: readonly StopRecord[]) => void) | undefined;
  /** When each block ends, in milliseconds since the epoch. */
  readonly #blocks = new Map<string, number>();
  /** The last command of each channel, oldest first. */
  readonly #commands = new Map<string, KeptCommand>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * The members are about to end: `heir` gets their unsent stops, those without an owner at once and those of each
   * member when it is lost.
   */
  leaveStopsTo(heir: (stops: readonly StopRecord[]) => void): void {
    this.#heir = heir;
    const unclaimed = this.#unclaimed.splice(0);
    if (unclaimed.length > 0) heir(unclaimed);
  }

  join(address: NodeAddress, listener: RegistryListener): void {
    const member = { address, listener, stops: new Map<string, StopRecord>() };
    this.#members.set(address.id, member);
    const unclaimed = this.#unclaimed.splice(0);
    // Not from within the request: its caller does not expect to be called back.
    queueMicrotask(() => claim(member, unclaimed));
  }

  /** The member's process has ended, or is about to: frees its channels, and lets another member send its stops. */
  lost(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    for (const [channel, lease] of [...this.#leases]) {
      if (lease.node !== id) continue;
      this.#leases.delete(channel);
      this.#changed(channel);
    }
    this.#inherit([...member.stops.values()]);
  }

  drain(id: string): void {
    const member = this.#members.get(id);
    if (member !== undefined) member.address = { ...member.address, draining: true };
  }

  acquire(id: string, request: LeaseRequest): AcquireOutcome {
    const seconds = this.blockedSeconds(request.channel);
    if (seconds > 0) return { kind: 'blocked', seconds };
    const found = this.locate(request.channel);
    if (found !== undefined && found.lease.publishId !== request.publishId) return { kind: 'busy', ...found };
    this.#take(id, request);
    return { kind: 'acquired' };
  }

  replace(id: string, request: LeaseRequest, from: string, continues: boolean): boolean {
    const { channel } = request;
    const lease = this.#leases.get(channel);
    if (lease?.publishId !== from || this.blockedSeconds(channel) > 0) return false;
    const former = this.#members.get(lease.node);
    this.#take(id, request);
    // From here on, the former publish's stop must not be sent, even if its process dies.
    if (continues) former?.stops.delete(from);
    // Not from within the request: its caller does not expect to be called back.
    queueMicrotask(() =>
      former?.listener.order({ kind: 'moved', channel, publishId: from, continues, stopIsSent: false }),
    );
    return true;
  }

  confirm(id: string, channel: string, publishId: string, live: Pick<Lease, 'streamId' | 'playKeyHash'>): boolean {
    const stops = this.#members.get(id)?.stops;
    const stop = stops?.get(publishId);
    if (stop !== undefined) stops?.set(publishId, { ...stop, streamId: live.streamId });
    const lease = this.#leases.get(channel);
    if (lease?.publishId !== publishId) return false;
    const kept = this.#commands.get(channel);
    if (kept !== undefined && kept.at >= lease.startedAt && endsStream(kept.command, live.streamId)) return false;
    this.#change({ ...lease, ...live, state: 'live' });
    return true;
  }

  hold(channel: string, publishId: string, lastTimestamp: number): void {
    const lease = this.#leases.get(channel);
    if (lease?.publishId === publishId) this.#change({ ...lease, state: 'held', lastTimestamp });
  }

  keep(channel: string, publishId: string, keeps: boolean): void {
    const lease = this.#leases.get(channel);
    // Not announced: no node acts on this change before its next request.
    if (lease?.publishId === publishId) this.#leases.set(channel, { ...lease, keeps });
  }

  free(channel: string, publishId: string): void {
    const lease = this.#leases.get(channel);
    if (lease?.publishId !== publishId) return;
    this.#leases.delete(channel);
    // A publish that was never live was not announced.
    if (lease.state !== 'starting') this.#changed(channel);
  }

  locate(channel: string): { lease: Lease; owner: NodeAddress } | undefined {
    const lease = this.#leases.get(channel);
    const owner = lease && this.#members.get(lease.node)?.address;
    return lease && owner && { lease, owner };
  }

  stopsOf(id: string): Map<string, StopRecord> | undefined {
    return this.#members.get(id)?.stops;
  }

  addresses(): NodeAddress[] {
    return [...this.#members.values()].map(({ address }) => address);
  }

  /** See `LeaseRegistry`. */
  remember(command: Command): boolean {
    if (command.verb === 'drain' || command.verb === 'list') return true;
    const at = this.#now();
    const { channel } = command;
    const kept = this.#commands.get(channel);
    const known = kept !== undefined && at - kept.at < SAME_COMMAND_MS;
    if (known && commandText(kept.command) === commandText(command)) return false;
    this.#forgetOld(at);
    this.#commands.delete(channel);
    this.#commands.set(channel, { command, at });
    if (command.verb === 'unblock') {
      const wasBlocked = this.blockedSeconds(channel) > 0;
      this.#blocks.delete(channel);
      return wasBlocked;
    }
    if (command.verb === 'block') this.#blocks.set(channel, at + command.seconds * 1000);
    return true;
  }

  /** Redelivers commands about the member's streams that it may have missed. */
  redeliver(id: string): void {
    const listener = this.#members.get(id)?.listener;
    for (const { node, channel, startedAt, state } of this.#leases.values()) {
      const kept = this.#commands.get(channel);
      if (node !== id || state === 'starting' || kept === undefined || kept.at < startedAt) continue;
      listener?.order({ kind: 'command', text: commandText(kept.command) });
    }
  }

  #inherit(stops: readonly StopRecord[]): void {
    if (stops.length === 0) return;
    const others = [...this.#members.values()];
    const next = others.find(({ address }) => !address.draining) ?? others[0];
    if (this.#heir !== undefined) this.#heir(stops);
    else if (next === undefined) this.#unclaimed.push(...stops);
    else claim(next, stops);
  }

  #take(id: string, { channel, publishId, keyHash, startedAt, stop }: LeaseRequest): void {
    const member = this.#members.get(id);
    const incarnation = member?.address.incarnation ?? '';
    const unnamed = { streamId: '', playKeyHash: '', lastTimestamp: 0, keeps: false };
    const lease = {
      channel,
      node: id,
      incarnation,
      publishId,
      keyHash,
      startedAt,
      startJti: stop.startJti ?? '',
      beganAt: stop.beganAt,
      ...unnamed,
    };
    this.#leases.set(channel, { ...lease, state: 'starting' });
    member?.stops.set(publishId, stop);
  }

  #change(lease: Lease): void {
    this.#leases.set(lease.channel, lease);
    this.#changed(lease.channel);
  }

  #changed(channel: string): void {
    for (const { listener } of this.#members.values()) listener.channelChanged(channel);
  }

  /** Removes old commands and blocks, which would otherwise accumulate. */
  #forgetOld(now: number): void {
    for (const [channel, { at }] of this.#commands) {
      if (now - at < KEEP_COMMAND_MS) break;
      this.#commands.delete(channel);
    }
    for (const [channel, until] of this.#blocks) if (until <= now) this.#blocks.delete(channel);
  }

  /** See `LeaseRegistry`. */
  blockedSeconds(channel: string): number {
    const until = this.#blocks.get(channel);
    return until === undefined ? 0 : Math.max(0, Math.ceil((until - this.#now()) / 1000));
  }
}

/** Lets this member send another member's stops. */
function claim({ stops, listener }: Member, claimed: readonly StopRecord[]): void {
  if (claimed.length === 0) return;
  for (const stop of claimed) stops.set(stop.jti, stop);
  listener.stopsClaimed(claimed);
}
