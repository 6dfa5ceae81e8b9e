import type { WrittenLevels } from '../logging/line-logger';
import type { Environment } from './environment';

export interface LogConfig {
  readonly levels: WrittenLevels;
  readonly format: 'text' | 'json';
}

/** Which log lines are written. As in the Rust port of the old server, request lines need LOG_INFO too. */
export function readLogSettings(env: Environment): LogConfig {
  const info = env.flag('LOG_INFO', true);
  const debug = env.flag('LOG_DEBUG', false);
  if (env.flag('LOG_TRACE', debug) && !debug) {
    env.warn('LOG_TRACE has no effect: LOG_DEBUG=YES writes everything there is');
  }
  return {
    levels: {
      error: env.flag('LOG_ERROR', true),
      warning: env.flag('LOG_WARNING', true),
      info,
      request: env.flag('LOG_REQUESTS', true) && info,
      debug,
    },
    format: env.choice('LOG_FORMAT', ['text', 'json'], 'text'),
  };
}
