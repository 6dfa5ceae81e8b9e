import { ConfigError } from '../../config/config-error';
import type { EnvironmentValues } from '../../config/environment';
import { loadServiceConfig, type ServiceConfig } from '../../config/service-config';
import { failed, type Finding, passed, warned } from './finding';

const CHECK = 'configuration';

export interface Configuration {
  readonly findings: readonly Finding[];
  /** undefined: the settings cannot be used. */
  readonly config: ServiceConfig | undefined;
}

/** Reads the settings as the server does. @param warnings about the .env file */
export function checkConfiguration(env: EnvironmentValues, warnings: readonly string[] = []): Configuration {
  try {
    const loaded = loadServiceConfig(env);
    const all = [...warnings, ...loaded.warnings];
    const findings = all.map((text) => warned(CHECK, text, 'Correct the setting, or leave it if it is meant so.'));
    return { config: loaded.config, findings: [...findings, passed(CHECK, 'The settings can be used')] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const todo = 'Correct the value; README.md lists every setting.';
    const findings = error.faults.map(({ variable, problem }) => failed(CHECK, `${variable} ${problem}`, todo));
    return { config: undefined, findings };
  }
}
