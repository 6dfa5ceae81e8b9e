import { Environment, type EnvironmentValues, type Setting } from './environment';
import { type LogConfig, readLogSettings } from './log-settings';
import { type OutputsConfig, readOutputSettings } from './output-settings';
import { readTrustedAuthorities } from './trusted-authorities';

/** All settings of `rtmp-outputs`: the part of the node's that it needs. */
export interface OutputsProgramConfig {
  readonly outputs: OutputsConfig;
  readonly log: LogConfig;
  /** How long it may take to complete everything (ms). */
  readonly drainMs: number;
  readonly secretRefreshMs: number;
  /** Authorities for connections to targets, as PEM; undefined: those of Node.js. */
  readonly trustedCa: string | undefined;
}

/** @throws ConfigError listing every variable that cannot be used */
export function loadOutputsConfig(values: EnvironmentValues): {
  readonly config: OutputsProgramConfig;
  readonly warnings: readonly string[];
  readonly settings: readonly Setting[];
} {
  const env = new Environment(values);
  const config = {
    outputs: readOutputSettings(env),
    log: readLogSettings(env),
    drainMs: env.integer('DRAIN_SECONDS', { min: 0, max: 86_400, fallback: 10 }) * 1000,
    secretRefreshMs: env.integer('JWT_SECRET_REFRESH_SECONDS', { min: 1, max: 86_400, fallback: 300 }) * 1000,
    trustedCa: readTrustedAuthorities(env),
  };
  env.throwIfFaulty();
  return { config, warnings: env.warnings, settings: env.settings() };
}
