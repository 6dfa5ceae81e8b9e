import { SecretSource } from '../aws/secret-source';
import type { ReadSecret } from '../aws/secrets-manager';
import { lambdaSigner } from '../aws/sigv4-signer';
import type { CallbackConfig } from '../config/callback-settings';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { unmetWishes } from '../outputs/policy/output-plan';
import { NameGrammar } from '../protocol/name-grammar';
import { AcceptAllAuthorizer } from './accept-all-authorizer';
import { CallbackAuthorizer } from './callback-authorizer';
import { CallbackClient } from './callback-client';
import { fixedSecret } from './event-token';
import type { PublishAuthorizer } from './publish-authorizer';
import type { DueStops } from './stop-record';

export interface AuthorizerSurroundings {
  readonly config: Pick<ServiceConfig, 'callback' | 'fleet' | 'outputs' | 'rtmp' | 'secretRefreshMs'>;
  /** Most start requests in progress for this client address. */
  questionsPerAddress(address: string): number;
  readonly readSecret: ReadSecret;
  /** `rtmp_host` of the tokens. */
  readonly rtmpHost: string;
  /** The port in use; with RTMP_PORT=0 it is only known after the authorizer was made. */
  rtmpPort(): number;
  callbackFinished(event: 'start' | 'stop', result: string, durationMs: number): void;
  /** A start was refused without asking the handler. */
  startUnasked(reason: string): void;
  /** The handler counts as down from now on, or no longer. */
  handlerDown(down: boolean): void;
  /** Where the stops are kept that are due. */
  readonly due: DueStops;
  readonly log: Logger;
}

/** The authorizer of publishers, with its state and resources. */
export interface OpenAuthorizer {
  readonly authorizer: PublishAuthorizer;
  /** What is missing before a publisher can be accepted; undefined when nothing is. */
  waitsFor(): string | undefined;
  /** Calls back with the signing secret, at once if it is known, and whenever it changes. */
  followSecret(follower: (secret: string) => void): void;
  /** To be called at the end, after the drain. */
  close(): void;
}

/** The configured authorizer. It can be used at once, even if a secret has not been read yet. */
export function openAuthorizer(surroundings: AuthorizerSurroundings): OpenAuthorizer {
  const { config, readSecret, rtmpHost, log, due } = surroundings;
  const { callback } = config;
  if (callback === undefined) {
    return {
      authorizer: new AcceptAllAuthorizer(due),
      waitsFor: () => undefined,
      followSecret: () => undefined,
      close: () => undefined,
    };
  }
  const { jwtSecret, sigv4 } = callback;
  const secret =
    typeof jwtSecret === 'string'
      ? fixedSecret(jwtSecret)
      : new SecretSource({
          name: 'JWT_SECRET_ARN',
          read: () => readSecret(jwtSecret),
          refreshMs: config.secretRefreshMs,
          log,
        });
  const source = secret instanceof SecretSource ? secret : undefined;
  const client = new CallbackClient({
    url: callback.url,
    trustedCa: callback.trustedCa,
    sign: sigv4 && lambdaSigner(sigv4.region, log),
  });
  const authorizer = new CallbackAuthorizer({
    client,
    subject: callback.subject,
    secret,
    timeoutMs: callback.timeoutMs,
    questionsPerAddress: (address) => surroundings.questionsPerAddress(address),
    stopRetryMs: callback.stopRetryMs,
    rtmpHost,
    get rtmpPort() {
      return surroundings.rtmpPort();
    },
    names: new NameGrammar(config.rtmp.names),
    unmetOutputs: (policy) => unmetWishes(policy, config.outputs),
    behindLambda: sigv4 !== undefined,
    proofs: describeProofs(callback),
    log,
    due,
    stopsOutliveProcess: config.fleet !== undefined,
    observer: {
      callback: (event, result, seconds) => surroundings.callbackFinished(event, result, seconds * 1000),
      unasked: (reason) => surroundings.startUnasked(reason),
      handlerDown: (down) => surroundings.handlerDown(down),
    },
  });
  return {
    authorizer,
    waitsFor: () => (source === undefined || source.isKnown ? undefined : 'the secret of JWT_SECRET_ARN'),
    followSecret(follower) {
      if (typeof jwtSecret === 'string') follower(jwtSecret);
      else source?.follow(follower);
    },
    close() {
      source?.close();
      authorizer.close();
      client.close();
    },
  };
}

/**
 * Names of the settings that authenticate this server, for the operator of a handler that accepts none of its requests.
 */
function describeProofs({ jwtSecret, url }: CallbackConfig): string {
  const secret = typeof jwtSecret === 'string' ? 'JWT_SECRET' : 'the secret of JWT_SECRET_ARN';
  return url.username === '' ? secret : `${secret}, or the user and password of CALLBACK_URL,`;
}
