import { createHash } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { within } from '../../time/within';
import {
  type CertificatePair,
  CertificatePairError,
  type CheckedCertificate,
  checkCertificatePair,
} from '../../config/certificate-pair';
import type { Logger } from '../../logging/logger';
import type { CertificateSource } from './certificate-source';

/** A source that has not answered within this time has failed; the next check asks again. */
const SOURCE_TIMEOUT_MS = 30_000;
/** Pauses between attempts to read the first pair. */
const FIRST_RETRY_MS = 250;
const MAX_FIRST_RETRY_MS = 5_000;

export interface CertificateStoreOptions {
  readonly source: CertificateSource;
  /** SSL_CHECK_RELOAD_SECONDS: how often the source is asked. */
  readonly reloadCheckMs: number;
  /** How long the source may be unavailable at the start before `open` gives up; default 0. */
  readonly patienceMs?: number;
  readonly log: Logger;
}

/** A pair that is in use, in the two forms that TLS servers take. */
export interface LoadedCertificate {
  readonly pair: CertificatePair;
  readonly secureContext: SecureContext;
}

/**
 * Holds the certificate that new TLS connections get and follows its source.
 *
 * The contents are compared, not the files' times: rotation by symlink, by copy and by a secret store then look the
 * same, and reading a few kilobytes a minute costs nothing. A new pair is used only when it is complete and valid;
 * until then (files half written, absent, of two different pairs) the old pair stays, with one warning for each bad
 * state.
 *
 * A listener passes `current` to `tls.createServer` and each `onChange` to `server.setSecureContext`, which leaves open
 * connections alone. An SNICallback would not be enough: clients that connect to a bare IP address send no name.
 */
export class CertificateStore {
  readonly #options: CertificateStoreOptions;
  readonly #listeners = new Set<(loaded: LoadedCertificate) => void>();
  #current: LoadedCertificate;
  #currentHash: string;
  /** The bad state that was logged last; empty while all is well. */
  #reported = '';
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;
  #closed = false;

  private constructor(options: CertificateStoreOptions, pair: CertificatePair) {
    this.#options = options;
    this.#current = this.#accept(pair);
    this.#currentHash = hashPair(pair);
    this.#schedule();
  }

  /** @throws CertificatePairError, or the source's error, when the first pair cannot be used */
  static async open(options: CertificateStoreOptions): Promise<CertificateStore> {
    const { source, log, patienceMs = 0 } = options;
    const deadlineMs = performance.now() + patienceMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return new CertificateStore(options, await withTimeout(source()));
      } catch (error) {
        const pauseMs = Math.min(MAX_FIRST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2);
        // A pair that can be read but not used does not become valid by waiting.
        if (error instanceof CertificatePairError || performance.now() + pauseMs > deadlineMs) throw error;
        if (attempt === 1) log.warning('TLS certificate cannot be read yet', { error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  get current(): LoadedCertificate {
    return this.#current;
  }

  /** Calls back after each change; returns the function that ends it. */
  onChange(listener: (loaded: LoadedCertificate) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Asks the source now, or joins the check under way. Never rejects: a fault is logged and the old pair stays. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** Stops following the source. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  async #check(): Promise<void> {
    let hash = '';
    try {
      const pair = await withTimeout(this.#options.source());
      hash = hashPair(pair);
      if (this.#closed) return;
      if (hash !== this.#currentHash) this.#replace(pair, hash);
      this.#reported = '';
    } catch (error) {
      this.#reportOnce(hash, String(error));
    }
  }

  #replace(pair: CertificatePair, hash: string): void {
    this.#current = this.#accept(pair);
    this.#currentHash = hash;
    for (const listener of this.#listeners) listener(this.#current);
  }

  #accept(pair: CertificatePair): LoadedCertificate {
    const checked = checkCertificatePair(pair);
    this.#log(checked);
    return { pair, secureContext: checked.secureContext };
  }

  #log({ subject, validTo }: CheckedCertificate): void {
    const fields = { subject: subject.replaceAll('\n', ', '), validTo: validTo.toISOString() };
    if (validTo.getTime() < Date.now()) this.#options.log.warning('TLS certificate in use has expired', fields);
    else this.#options.log.info('TLS certificate in use', fields);
  }

  /** Takes the error as text, without its cause: the cause may quote secret text that could not be parsed. */
  #reportOnce(hash: string, error: string): void {
    const state = `${hash} ${error}`;
    if (this.#closed || this.#reported === state) return;
    this.#reported = state;
    this.#options.log.warning('new TLS certificate cannot be used, the old one stays', { error });
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.check().then(() => {
        if (!this.#closed) this.#schedule();
      });
    }, this.#options.reloadCheckMs).unref();
  }
}

function hashPair({ cert, key }: CertificatePair): string {
  return createHash('sha256').update(cert).update('\0').update(key).digest('hex');
}

function withTimeout(pair: Promise<CertificatePair>): Promise<CertificatePair> {
  return within(SOURCE_TIMEOUT_MS, pair, () => {
    throw new Error(`no certificate within ${SOURCE_TIMEOUT_MS / 1000} s`);
  });
}
