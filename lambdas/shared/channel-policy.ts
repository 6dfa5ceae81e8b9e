import { BlockList, isIP } from 'node:net';
import { FORWARD_LIST, isForwardList } from './forward-targets';
import { isStreamName } from './stream-names';

/** What happens when a channel that is live is published again. */
export type WhenBusy = 'takeover' | 'reject';

/** What a channel can say of recordings; `yes`: in the formats of the node's settings. */
export const RECORD_CHOICES = ['yes', 'no', 'flv', 'mp4', 'flv,mp4'] as const;

export type RecordChoice = (typeof RECORD_CHOICES)[number];

/** The settings that an owner chooses for a channel. Absent fields set no limit. */
export interface ChannelPolicy {
  readonly enabled: boolean;
  /** @default the deployment's TAKEOVER_DEFAULT */
  readonly whenBusy?: WhenBusy | undefined;
  /** IPs and CIDRs, v4 and v6, that publishers may come from; empty admits everybody. */
  readonly allowedCidrs: readonly string[];
  /** Seconds since the epoch; starts are refused before this time. */
  readonly notBefore?: number | undefined;
  /** Seconds since the epoch; starts are refused from this time on. A stream that is live then continues. */
  readonly notAfter?: number | undefined;
  /** The key that players present instead of the publishing key. */
  readonly playKey?: string | undefined;
  readonly maxDurationSeconds?: number | undefined;
  readonly maxBitrateKbps?: number | undefined;
  /**
   * Where the stream is forwarded to; empty: nowhere, whatever the node's settings say. In a request whole addresses,
   * with their keys; in a record what may be shown of them.
   */
  readonly forward?: readonly string[] | undefined;
  readonly record?: RecordChoice | undefined;
  /** Whether the stream is packaged for browsers. */
  readonly hls?: boolean | undefined;
}

/** The settings that can be given and cleared one by one. */
export const POLICY_FIELDS = [
  'whenBusy',
  'allowedCidrs',
  'notBefore',
  'notAfter',
  'playKey',
  'maxDurationSeconds',
  'maxBitrateKbps',
  'forward',
  'record',
  'hls',
] as const satisfies readonly (keyof ChannelPolicy)[];

export type PolicyField = (typeof POLICY_FIELDS)[number];

const MAX_RULES = 100;
const MAX_SECONDS = 10_000_000_000;

/** Adds one IP or CIDR; false when it is not one. */
function addRule(list: BlockList, rule: string): boolean {
  const [address = '', prefix, ...rest] = rule.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) {
    list.addAddress(address, family);
    return true;
  }
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return false;
  list.addSubnet(address, Number(prefix), family);
  return true;
}

/** Whether an address matches any of the rules. IPv4-mapped IPv6 counts as IPv4; other text never matches. */
export function addressMatches(rules: readonly string[], address = ''): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  if (version === 0) return false;
  const list = new BlockList();
  for (const rule of rules) addRule(list, rule);
  return list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

const RULES: Readonly<
  Record<PolicyField, { readonly allowed: string; readonly accepts: (value: unknown) => boolean }>
> = {
  whenBusy: { allowed: '"takeover" or "reject"', accepts: (value) => value === 'takeover' || value === 'reject' },
  allowedCidrs: {
    allowed: `a list of at most ${MAX_RULES} IPs and CIDRs`,
    accepts: (value) =>
      Array.isArray(value) &&
      value.length <= MAX_RULES &&
      value.every((rule) => typeof rule === 'string' && addRule(new BlockList(), rule)),
  },
  notBefore: { allowed: 'seconds since the epoch', accepts: (value) => isWhole(value, 0, MAX_SECONDS) },
  notAfter: { allowed: 'seconds since the epoch', accepts: (value) => isWhole(value, 0, MAX_SECONDS) },
  playKey: { allowed: 'a name of A-Z a-z 0-9 _ -', accepts: isStreamName },
  maxDurationSeconds: {
    allowed: 'a whole number of seconds from 1',
    accepts: (value) => isWhole(value, 1, MAX_SECONDS),
  },
  maxBitrateKbps: { allowed: 'a whole number of kbit/s from 1', accepts: (value) => isWhole(value, 1, 10_000_000) },
  forward: { allowed: FORWARD_LIST, accepts: isForwardList },
  record: {
    allowed: `one of ${RECORD_CHOICES.map((choice) => `"${choice}"`).join(', ')}`,
    accepts: (value) => (RECORD_CHOICES as readonly unknown[]).includes(value),
  },
  hls: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
};

/** The fault of a value for a policy field; undefined when the value is valid. */
export function policyFault(field: PolicyField, value: unknown): string | undefined {
  return RULES[field].accepts(value) ? undefined : `${field} must be ${RULES[field].allowed}`;
}
