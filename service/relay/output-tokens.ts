import { FleetKeys } from '../leases/fleet-keys';
import { RelayTokens } from './relay-token';

/** The audience of all such tokens: they are signed with a key that only one node and its `rtmp-outputs` have. */
const SELF = { id: 'outputs', incarnation: '' } as const;

/** Tokens with which `rtmp-outputs` plays the streams of its node. */
export class OutputTokens {
  readonly #tokens: RelayTokens;

  constructor(key: Uint8Array) {
    this.#tokens = new RelayTokens({
      keys: new FleetKeys(),
      fallback: key,
      self: () => SELF,
      purpose: 'rtmp-output',
    });
  }

  sign(channel: string): Promise<string> {
    return this.#tokens.sign(channel, SELF);
  }

  /** Never rejects. */
  verify(token: string, channel: string): Promise<boolean> {
    return this.#tokens.verify(token, channel);
  }
}
