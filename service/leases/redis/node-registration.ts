import type { Logger } from '../../logging/logger';
import type { NodeAddress } from '../life-store';
import type { Mailbox } from './mailbox';
import { BEAT, type BeatArgument } from './scripts/node-scripts';
import type { RegistryConnection, RegistryReply } from './registry-connection';
import { readRosterNews, type Roster } from './roster';
import { type RegistryTiming, jittered } from './registry-timing';

export interface NodeRegistrationOptions {
  readonly connection: RegistryConnection;
  readonly timing: RegistryTiming;
  readonly log: Logger;
  /** Proposed as the fleet's secret if it has none. */
  readonly secret: () => string;
  readonly address: () => NodeAddress;
  /** Told of the changes of the fleet's nodes. */
  readonly roster: Roster;
  /** The node was not registered until this renewal: others may have declared it dead. */
  readonly lapsed: () => void;
  /** The node is registered. */
  readonly renewed: (secret: string) => void;
  readonly mailbox: Mailbox;
  /** Version of what the node stores in Redis. */
  readonly schema: number;
}

/**
 * Keeps the node registered: renews the registration every few seconds, and at once when a connection was made or mail
 * is announced. Each renewal fetches the mail, so that it arrives even if an announcement is lost, and the changes of the
 * fleet's nodes.
 */
export class NodeRegistration {
  readonly #options: NodeRegistrationOptions;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<boolean> | undefined;
  #next: Promise<boolean> | undefined;
  #first = true;
  #registered = false;
  #lastBeatAt = -Infinity;
  /** When the last renewal that was answered was asked for. */
  #renewedAt = -Infinity;
  #healthySince = Infinity;
  #reported: 'nothing' | 'up' | 'down' = 'nothing';
  #stopped = false;

  constructor(options: NodeRegistrationOptions) {
    this.#options = options;
  }

  /** Whether the last renewal succeeded. */
  get registered(): boolean {
    return this.#registered;
  }

  /** How long all renewals have succeeded in time (ms). */
  get healthyForMs(): number {
    const now = performance.now();
    if (now - this.#lastBeatAt > this.#options.timing.ttlMs) return 0;
    return Math.max(0, now - this.#healthySince);
  }

  /** Renews now, or once more after a renewal that is under way. Resolves to whether it succeeded. */
  beat(): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false);
    if (this.#beating === undefined) {
      this.#beating = this.#renew().finally(() => (this.#beating = undefined));
      return this.#beating;
    }
    this.#next ??= this.#beating.then(() => {
      this.#next = undefined;
      return this.beat();
    });
    return this.#next;
  }

  /**
   * The server has lost writes: other nodes may have lost their registrations, and new mail may get the ids of mail that
   * this node has read already.
   */
  registryChanged(): void {
    this.#options.mailbox.forget();
    this.#healthySince = performance.now();
  }

  /** There is a new connection: it may lead to another server, or to the same server after a loss of data. */
  connectionChanged(): void {
    this.#healthySince = performance.now();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #renew(): Promise<boolean> {
    const { connection, timing, secret, address, roster, lapsed, renewed, mailbox } = this.#options;
    clearTimeout(this.#timer);
    const beat: BeatArgument = {
      registration: JSON.stringify({ ...address(), epoch: connection.epoch, schema: this.#options.schema }),
      address: JSON.stringify(address()),
      ttlMs: timing.ttlMs,
      isFirst: this.#first,
      secret: secret(),
      mailRead: mailbox.position,
      rosterRead: roster.read,
    };
    const askedAt = performance.now();
    const read = ({ status, rest }: RegistryReply): void => {
      if (status !== 'kept' && status !== 'lapsed') return;
      // The answer that would have told it may be lost.
      const mayHaveLapsed = performance.now() - this.#renewedAt > timing.ttlMs;
      this.#renewedAt = askedAt;
      // Before the mail is read: it may be older than what others have done about a dead node.
      if (status === 'lapsed' || mayHaveLapsed) lapsed();
      mailbox.take(readRosterNews(rest.slice(1)).rest);
    };
    const reply = await connection.run(BEAT, beat, { read });
    if (this.#stopped) return false;
    if (reply?.status !== 'kept' && reply?.status !== 'lapsed') {
      this.#failed(reply?.status === 'taken' ? 'another node has the same id' : connection.lastError);
      return false;
    }
    const [fleetSecret = '', ...more] = reply.rest;
    const { news, rest: entries } = readRosterNews(more);
    roster.learn(news);
    const isNew = reply.status === 'lapsed' || this.#first;
    if (this.#first) lapsed();
    this.#first = false;
    this.#succeeded(isNew);
    renewed(fleetSecret);
    // A full reply: there may be more.
    this.#schedule(entries.length >= 200 ? 0 : jittered(timing.beatMs));
    return true;
  }

  #succeeded(isNew: boolean): void {
    const { timing, log } = this.#options;
    const now = performance.now();
    // Also after a pause of this process, during which no renewal could fail.
    if (isNew || !this.#registered || now - this.#lastBeatAt > timing.ttlMs) this.#healthySince = now;
    this.#registered = true;
    this.#lastBeatAt = now;
    if (this.#reported !== 'up') {
      log.info(this.#reported === 'nothing' ? 'Joined the fleet' : 'The fleet registry is back', {
        node: this.#options.address().id,
      });
    }
    this.#reported = 'up';
  }

  #failed(reason: string): void {
    this.#registered = false;
    this.#healthySince = Infinity;
    if (this.#reported !== 'down') {
      this.#options.log.warning(`The fleet registry cannot be used, live streams continue: ${reason}`);
    }
    this.#reported = 'down';
    this.#schedule(jittered(this.#options.timing.beatMs / 3));
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.beat(), delayMs);
  }
}
