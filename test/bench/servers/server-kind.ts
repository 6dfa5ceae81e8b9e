import type { StreamAddress } from '../wire/stream-address';

/** Options for starting a server; each kind turns them into its own configuration. */
export interface LaunchOptions {
  readonly port: number;
  /** An empty directory of this run for configuration, certificates and logs. */
  readonly directory: string;
  /** Extra environment; only this project's server knows it. */
  readonly env: Readonly<Record<string, string>>;
  /** Also listen with TLS on this port, with the certificate and key in `directory`. */
  readonly tlsPort: number | undefined;
  /** Leave a V8 CPU profile of this name in this directory, when the kind runs on Node.js. */
  readonly profile: { readonly directory: string; readonly fileName: string } | undefined;
}

export interface LaunchPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A server that the benchmark knows how to start. */
export interface ServerKind {
  readonly name: string;
  /** True for builds of this project. */
  readonly ours: boolean;
  /** Version text for the report. Throws when the server is not installed. */
  version(): string;
  /** Writes the server's files into the run's directory and returns how to start it. */
  prepare(options: LaunchOptions): LaunchPlan;
  /** Application and stream name of stream `{n}`. */
  readonly names: Pick<StreamAddress, 'app' | 'streamName'>;
  /** How long after its publishers the server needs before it lets players in; undefined: no time. */
  readonly playersAfterSeconds?: number | undefined;
}

export const CERTIFICATE_FILE = 'certificate.pem';
export const KEY_FILE = 'key.pem';
