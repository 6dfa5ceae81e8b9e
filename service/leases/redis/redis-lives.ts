import { type ChannelLife, keptUntil, type Stream } from '../../publishing/channel-life';
import type { LifeEffect } from '../../publishing/life-events';
import type { Logger } from '../../logging/logger';
import type { NodeEffect } from '../life-store';
import type { StoredLife } from '../life-copy';
import type { Change, ChangeOutcome } from '../node-lives';
import { isOfLaterRelease, readLife, writeLetter, writeLife, writeStop } from './life-documents';
import type { Mailbox } from './mailbox';
import type { RegistryConnection, RegistryReply } from './registry-connection';
import { CHANGE, type ChangeArgument, nodeOf } from './scripts/life-scripts';

export interface RedisLivesOptions {
  readonly connection: RegistryConnection;
  readonly mailbox: Mailbox;
  readonly log: Logger;
  readonly member: string;
  readonly schema: number;
  /** Registers the node if it is not registered; false if that fails. */
  readonly register: () => Promise<boolean>;
  readonly isRegistered: () => boolean;
  /** It is not known whether a change was carried out. */
  readonly doubt: () => void;
}

/** Of a request's time limit, how much may have passed at most before Redis carries it out. */
const MAX_WAIT_SHARE = 0.8;

/** Changes the lives that stand in Redis. */
export class RedisLives {
  readonly #options: RedisLivesOptions;
  #count = 0;
  /** Added to what this node takes for the server's time (ms). */
  #clockErrorMs = 0;
  #saidUnreadable = false;

  constructor(options: RedisLivesOptions) {
    this.#options = options;
  }

  /** Never rejects; calls back once. */
  async change(change: Change, done: (outcome: ChangeOutcome) => void): Promise<void> {
    const { isRegistered, register, doubt } = this.#options;
    if (!isRegistered() && !(await register())) {
      done({ kind: 'unanswered' });
      return;
    }
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      const status = await this.#ask(change, done);
      if (status === 'done') return;
      if (status === 'unanswered') break;
      if (status === 'unregistered' && !(await register())) break;
    }
    doubt();
    done({ kind: 'unanswered' });
  }

  async #ask(
    change: Change,
    done: (outcome: ChangeOutcome) => void,
  ): Promise<'done' | 'unanswered' | 'unregistered' | 'late'> {
    const { connection } = this.#options;
    const stored = this.#stored(change.next);
    const argument = this.#argument(change, stored);
    let status: 'done' | 'unanswered' | 'unregistered' | 'late' = 'unanswered';
    // Here, because the answer has to be dealt with before that of any later request.
    const read = (reply: RegistryReply): void => {
      if (reply.status === 'unregistered') status = 'unregistered';
      else if (reply.status === 'late') status = this.#late(reply);
      else if (reply.status === 'changed' || reply.status === 'other') {
        status = 'done';
        this.#read(reply, stored, done);
      } else if (reply.status === 'alive') {
        status = 'done';
        done({ kind: 'alive' });
      }
    };
    await connection.run(CHANGE, argument, { keys: keysOf(argument), read });
    return status;
  }

  #read({ status, rest }: RegistryReply, stored: StoredLife | undefined, done: (outcome: ChangeOutcome) => void): void {
    const { mailbox, log, schema } = this.#options;
    if (status === 'changed') {
      mailbox.take(rest);
      done({ kind: 'changed', stored });
      return;
    }
    const [text = '', ...letters] = rest;
    mailbox.take(letters);
    const found = readLife(text, schema);
    if (found) {
      done({ kind: 'other', stored: found.stored });
      return;
    }
    const writer = isOfLaterRelease(text, schema) ? 'A later release' : 'Something that is no node';
    if (!this.#saidUnreadable) log.warning(`${writer} has written a channel, this node leaves it alone`);
    this.#saidUnreadable = true;
    done({ kind: 'unreadable' });
  }

  /** It came in time for this node, so the clocks differ. */
  #late({ rest }: RegistryReply): 'late' {
    const serverMs = Number(rest[0]);
    if (serverMs > 0) this.#clockErrorMs = serverMs - this.#options.connection.serverMs;
    return 'late';
  }

  #stored(life: ChannelLife): StoredLife | undefined {
    if (keptUntil(life) <= Date.now()) return undefined;
    const { member } = this.#options;
    this.#count += 1;
    return { version: `${member.slice(member.lastIndexOf('/') + 1)}:${this.#count.toString(36)}`, life };
  }

  #argument({ channel, seen, next, effects, gone, command }: Change, stored: StoredLife | undefined): ChangeArgument {
    const { connection, mailbox, member, schema } = this.#options;
    const life = stored ? writeLife(stored, schema) : '';
    const until = keptUntil(next);
    const before = seen ? membersOf(seen.life) : new Set<string>();
    const after = stored ? membersOf(next) : new Set<string>();
    const leaves = [...before].filter((each) => !after.has(each));
    if (gone !== undefined && !after.has(gone) && !before.has(gone)) leaves.push(gone);
    const stops = effects.flatMap((effect) =>
      effect.kind === 'stop' ? [{ jti: effect.stop.jti, stop: writeStop({ channel, stop: effect.stop }, schema) }] : [],
    );
    const now = connection.serverMs + this.#clockErrorMs;
    return {
      channel,
      seen: seen?.version ?? '',
      life,
      keepMs: stored && until < Infinity ? Math.max(1, until - Date.now()) : 0,
      until: Math.round(now + connection.requestTimeoutMs * MAX_WAIT_SHARE),
      mailRead: mailbox.position,
      letters: lettersOf(effects, member).map(([to, its]) => ({
        member: to,
        letter: writeLetter({ channel, life, effects: its, command }, schema),
      })),
      stops,
      joins: [...after].filter((each) => !before.has(each)),
      leaves,
      ...(gone !== undefined && { gone }),
      moved: looksDifferent(seen?.life.stream, stored?.life.stream),
    };
  }
}

/** Whether a look-up gives another result. */
function looksDifferent(before: Stream | undefined, after: Stream | undefined): boolean {
  return before?.publish !== after?.publish || before?.state !== after?.state;
}

function keysOf({ channel, letters, joins, leaves, gone }: ChangeArgument): string[] {
  return [
    `life:${channel}`,
    ...letters.map(({ member }) => `mail:${member}`),
    ...[...joins, ...leaves].map((member) => `channels:${member}`),
    ...(gone === undefined ? [] : [`node:${nodeOf(gone)}`]),
  ];
}

function membersOf({ stream, out, late, waiting }: ChannelLife): Set<string> {
  const members = new Set<string>();
  for (const each of [stream, out, ...late, ...waiting]) if (each) members.add(each.node);
  return members;
}

/** Effects for other members, by member. */
function lettersOf(effects: readonly LifeEffect[], self: string): [string, NodeEffect[]][] {
  const letters = new Map<string, NodeEffect[]>();
  for (const effect of effects) {
    if (effect.kind === 'stop' || effect.node === self) continue;
    const its = letters.get(effect.node) ?? [];
    its.push(effect);
    letters.set(effect.node, its);
  }
  return [...letters];
}
