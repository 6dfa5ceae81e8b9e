import type { EnvironmentValues } from './environment';

/** The port that `npm start` opens where HTTP_PORT is not set, or the next free one. */
const QUICK_START_HTTP_PORT = '8080';

/** The variables as `npm start` completes them. */
export function withQuickStartPort(env: EnvironmentValues): EnvironmentValues {
  return env.HTTP_PORT ? env : { ...env, HTTP_PORT: QUICK_START_HTTP_PORT };
}
