import type { ChannelLife } from '../../publishing/channel-life';
import type { DueStop } from '../../publishing/life-events';
import type { Location, NodeEffect } from '../life-store';
import type { StoredLife } from '../life-copy';
import { LetterEffectsForm, StoredLifeForm, StoredPlaceForm, StoredStopForm } from './stored-forms';

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

/** Empty text is no life; undefined when a later version has written it, or no node has. */
export function readLife(text: string, schema: number): { readonly stored: StoredLife | undefined } | undefined {
  if (text === '') return { stored: undefined };
  const document = parse(text);
  if (document === undefined || isLater(document, schema)) return undefined;
  const { version, life } = document;
  const found = StoredLifeForm.safeParse(life);
  return typeof version === 'string' && found.success ? { stored: { version, life: found.data } } : undefined;
}

/** Whether a later version has written the life: nothing more is known of it then. */
export function isOfLaterRelease(text: string, schema: number): boolean {
  const document = parse(text);
  return document !== undefined && isLater(document, schema);
}

/** Where the channel's viewers find its stream, whichever version has written the life. */
export function readPlace(text: string): Pick<Location, 'publish' | 'streamId' | 'playKeyHash'> | undefined {
  const stream = StoredPlaceForm.safeParse(parse(text)?.['life']).data?.stream;
  return stream && { publish: stream.publish, streamId: stream.id.streamId, playKeyHash: stream.playKeyHash };
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

/** Undefined when this version does not know such a letter, or no node has written it. */
export function readLetter(text: string, schema: number): Letter | undefined {
  const letter = parse(text);
  if (letter === undefined || isLater(letter, schema)) return undefined;
  const { kind, channel, life, effects, command } = letter;
  if (kind === 'command' && typeof letter['text'] === 'string') return { kind, text: letter['text'] };
  if (kind !== 'effects' || typeof channel !== 'string' || typeof life !== 'string') return undefined;
  const found = readLife(life, schema);
  const its = LetterEffectsForm.safeParse(effects);
  return (
    found &&
    its.data && {
      ...{ kind, channel, stored: found.stored, effects: its.data },
      ...(typeof command === 'string' && { command }),
    }
  );
}

export function writeStop({ channel, stop }: KeptStop, schema: number): string {
  return JSON.stringify({ schema, channel, stop });
}

export function readStop(text: string): KeptStop | undefined {
  return StoredStopForm.safeParse(parse(text)).data;
}

function isLater({ schema: written = 1 }: Readonly<Record<string, unknown>>, schema: number): boolean {
  return Number(written) > schema;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return Object(JSON.parse(text)) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
