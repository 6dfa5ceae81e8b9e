import type { RegistryOrder } from '../lease-registry';

/** An order from another node in this node's mailbox. */
export type Mail = RegistryOrder;

/** Reads one order; undefined when this version does not know its kind. */
export function readMail(text: string): Mail | undefined {
  let letter: Readonly<Record<string, unknown>>;
  try {
    letter = Object(JSON.parse(text)) as typeof letter;
  } catch {
    return undefined;
  }
  const { kind, channel, publishId, continues, conflict } = letter;
  if (kind === 'moved' && typeof channel === 'string' && typeof publishId === 'string') {
    const moved = { kind, channel, publishId, continues: continues === true, stopIsSent: false } as const;
    return conflict === true ? { ...moved, conflict } : moved;
  }
  return kind === 'command' && typeof letter.text === 'string' ? { kind, text: letter.text } : undefined;
}
