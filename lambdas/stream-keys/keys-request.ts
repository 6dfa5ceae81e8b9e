import { POLICY_FIELDS, policyFault, type ChannelPolicy, type PolicyField } from '../shared/channel-policy';
import { isStreamName } from '../shared/stream-names';

/** Policy settings to change; absent ones stay as they are. */
export type PolicyChanges = Partial<Omit<ChannelPolicy, 'enabled'>>;

export type KeysRequest =
  | {
      readonly command: 'create';
      readonly channel: string;
      /** A key that a streamer uses already, to be kept; absent: a new key is made. */
      readonly key?: string | undefined;
      readonly enabled: boolean;
      readonly policy: PolicyChanges;
    }
  /** The old key opens the channel for `overlapSeconds` more. */
  | { readonly command: 'rotate'; readonly channel: string; readonly overlapSeconds: number }
  | {
      readonly command: 'set';
      readonly channel: string;
      readonly policy: PolicyChanges;
      readonly clear: readonly PolicyField[];
    }
  /** `release` frees a channel whose stream was lost without a stop; `delete` forgets the channel and its key. */
  | { readonly command: 'enable' | 'disable' | 'show' | 'sessions' | 'release' | 'delete'; readonly channel: string }
  | { readonly command: 'list' };

/** An invalid request; the message lists every fault. */
export class InvalidRequest extends Error {
  override readonly name = 'InvalidRequest';

  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

const FIELDS: Readonly<Record<KeysRequest['command'], readonly string[]>> = {
  create: ['channel', 'key', 'enabled', 'policy'],
  rotate: ['channel', 'overlapSeconds'],
  set: ['channel', 'policy', 'clear'],
  enable: ['channel'],
  disable: ['channel'],
  show: ['channel'],
  sessions: ['channel'],
  release: ['channel'],
  delete: ['channel'],
  list: [],
};

/** Long enough for a rollout to every streamer, short enough that a leaked key expires. */
const MAX_OVERLAP_SECONDS = 90 * 86_400;
/** Imported keys may be short, but not so short that they can be guessed by trying. */
const MIN_GIVEN_KEY_LENGTH = 8;

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCommand(value: unknown): value is KeysRequest['command'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

function isPolicyField(value: unknown): value is PolicyField {
  return (POLICY_FIELDS as readonly unknown[]).includes(value);
}

function policyFaults(policy: unknown): string[] {
  if (policy === undefined) return [];
  if (!isObject(policy)) return ['policy must be an object'];
  return Object.entries(policy).flatMap(([field, value]) => {
    if (!isPolicyField(field)) return [`policy has no field "${field}"`];
    return policyFault(field, value) ?? [];
  });
}

/** All faults in the fields of a known command. */
function faultsOf(command: KeysRequest['command'], fields: Fields): string[] {
  const { channel, key, enabled, overlapSeconds, clear } = fields;
  const unknown = Object.keys(fields).filter((name) => name !== 'command' && !FIELDS[command].includes(name));
  const faults = unknown.map((name) => `${command} takes no "${name}"`);
  if (command !== 'list' && !isStreamName(channel)) faults.push('channel must be a name of A-Z a-z 0-9 _ -');
  if (key !== undefined && !(isStreamName(key) && key.length >= MIN_GIVEN_KEY_LENGTH)) {
    faults.push(`key must be a name of A-Z a-z 0-9 _ - with at least ${MIN_GIVEN_KEY_LENGTH} characters`);
  }
  if (enabled !== undefined && typeof enabled !== 'boolean') faults.push('enabled must be true or false');
  if (overlapSeconds !== undefined && !(isWholeNumber(overlapSeconds) && overlapSeconds <= MAX_OVERLAP_SECONDS)) {
    faults.push(`overlapSeconds must be a whole number from 0 to ${MAX_OVERLAP_SECONDS}`);
  }
  if (clear !== undefined && !(Array.isArray(clear) && clear.every(isPolicyField))) {
    faults.push(`clear must be a list of ${POLICY_FIELDS.join(', ')}`);
  }
  if (command === 'set' && clear === undefined && fields['policy'] === undefined) faults.push('set changes nothing');
  return [...faults, ...policyFaults(fields['policy'])];
}

function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

/**
 * Reads a request, from an invocation or from the command line.
 * @throws InvalidRequest listing everything that is wrong with it.
 */
export function parseKeysRequest(input: unknown): KeysRequest {
  if (!isObject(input)) throw new InvalidRequest(['the request must be a JSON object']);
  const { command } = input;
  if (!isCommand(command)) {
    const given = typeof command === 'string' ? `, not "${command}"` : '';
    throw new InvalidRequest([`command must be one of ${Object.keys(FIELDS).join(', ')}${given}`]);
  }
  const faults = faultsOf(command, input);
  if (faults.length > 0) throw new InvalidRequest(faults);
  // The types of the fields were checked just above.
  const { channel, key, enabled, overlapSeconds, clear, policy } = input as {
    channel: string;
    key?: string | undefined;
    enabled?: boolean;
    overlapSeconds?: number;
    clear?: readonly PolicyField[];
    policy?: PolicyChanges;
  };
  switch (command) {
    case 'list':
      return { command };
    case 'create':
      return { command, channel, key, enabled: enabled ?? true, policy: policy ?? {} };
    case 'rotate':
      return { command, channel, overlapSeconds: overlapSeconds ?? 0 };
    case 'set':
      return { command, channel, policy: policy ?? {}, clear: clear ?? [] };
    default:
      return { command, channel };
  }
}
