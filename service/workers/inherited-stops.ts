import { type OpenAuthorizer, openAuthorizer } from '../auth/open-authorizer';
import { SecretsManager } from '../aws/secrets-manager';
import type { ServiceConfig } from '../config/service-config';
import type { StopRecord } from '../auth/stop-record';
import type { Logger } from '../logging/logger';
import type { StopHeir } from './worker-pool';

/**
 * Sends, from the parent process, the stop callbacks of workers that died while all workers were ending: no other
 * worker is left, or lives long enough, to send them. Costs nothing until there are such stops.
 */
export class InheritedStops implements StopHeir {
  readonly #config: ServiceConfig;
  readonly #log: Logger;
  readonly #secrets = new SecretsManager();
  readonly #left: StopRecord[] = [];
  #authorization: OpenAuthorizer | undefined;

  constructor(config: ServiceConfig, log: Logger) {
    this.#config = config;
    this.#log = log;
  }

  take(stops: readonly StopRecord[]): void {
    this.#left.push(...stops);
    this.#authorization ??= this.#open();
    this.#authorization.authorizer.stopsDue();
  }

  async finish(timeoutMs: number): Promise<void> {
    if (this.#authorization === undefined) return;
    const undelivered = await this.#authorization.authorizer.drain(timeoutMs);
    if (undelivered > 0) this.#log.error('stop callbacks could not be delivered', { undelivered });
    this.#authorization.close();
    this.#secrets.close();
  }

  #open(): OpenAuthorizer {
    const { rtmp } = this.#config;
    const ignore = (): void => undefined;
    return openAuthorizer({
      config: this.#config,
      readSecret: this.#secrets.read,
      // Only used in start callbacks, of which there are none here.
      rtmpHost: rtmp.advertisedHost,
      rtmpPort: () => rtmp.port,
      questionsPerAddress: () => 0,
      due: { pull: (max) => Promise.resolve(this.#left.splice(0, max)), delivered: ignore },
      callbackFinished: ignore,
      startUnasked: ignore,
      handlerDown: ignore,
      log: this.#log,
    });
  }
}
