import type { ChannelLife } from '../../publishing/channel-life';
import type { DueStop } from '../../publishing/life-events';
import type { NodeEffect } from '../life-store';
import type { StoredLife } from '../node-lives';

/**
 * Version of what nodes store in Redis and tell each other through it. A node leaves alone what a later version has
 * written. Fields that it does not know survive when it writes.
 */
export const SCHEMA = 1;

/** What stands at `life:<channel>`. The script that changes it reads the version: it has to be the second field. */
interface LifeDocument {
  readonly schema: number;
  readonly version: string;
  readonly life: ChannelLife;
}

/** A letter in a node's mailbox: what another node's step has for it. */
export type Letter =
  | {
      readonly kind: 'effects';
      readonly channel: string;
      readonly stored: StoredLife | undefined;
      readonly effects: readonly NodeEffect[];
      /** The operator's command that they carry out; the node may have missed it. */
      readonly command?: string;
    }
  | { readonly kind: 'command'; readonly text: string };

export interface KeptStop {
  readonly channel: string;
  readonly stop: DueStop;
}

export function writeLife({ version, life }: StoredLife, schema: number): string {
  return JSON.stringify({ schema, version, life } satisfies LifeDocument);
}

/** Empty text is no life; undefined when a later version has written it. */
export function readLife(text: string, schema: number): { readonly stored: StoredLife | undefined } | undefined {
  if (text === '') return { stored: undefined };
  const document = parse(text);
  if (document === undefined || Number(document['schema']) > schema) return undefined;
  const { version, life } = document as unknown as LifeDocument;
  return { stored: { version, life } };
}

export interface WrittenLetter {
  readonly channel: string;
  readonly life: string;
  readonly effects: readonly NodeEffect[];
  readonly command?: string | undefined;
}

export function writeLetter(letter: WrittenLetter, schema: number): string {
  return JSON.stringify({ kind: 'effects', schema, ...letter });
}

/** Undefined when this version does not know such a letter. */
export function readLetter(text: string, schema: number): Letter | undefined {
  const letter = parse(text);
  if (letter === undefined || Number(letter['schema'] ?? 1) > schema) return undefined;
  const { kind, channel, life, effects, command } = letter;
  if (kind === 'command' && typeof letter['text'] === 'string') return { kind, text: letter['text'] };
  if (kind !== 'effects' || typeof channel !== 'string' || typeof life !== 'string') return undefined;
  const found = readLife(life, schema);
  return (
    found && {
      ...{ kind, channel, stored: found.stored, effects: effects as readonly NodeEffect[] },
      ...(typeof command === 'string' && { command }),
    }
  );
}

export function writeStop({ channel, stop }: KeptStop, schema: number): string {
  return JSON.stringify({ schema, channel, stop });
}

export function readStop(text: string): KeptStop | undefined {
  const { channel, stop } = (parse(text) ?? {}) as Partial<KeptStop>;
  return channel !== undefined && stop !== undefined && typeof stop.jti === 'string' ? { channel, stop } : undefined;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
