import type { Environment } from './environment';

/**
 * What other servers of the family can do and this one cannot: said where it would change who may publish, or was set
 * for a purpose.
 */
export function readForeignSettings(env: Environment): void {
  if (env.flag('CONTROL_USE', false)) {
    env.fault('CONTROL_USE', 'NO: there is no control server here, CALLBACK_URL names who decides on publishers');
  }
  if (env.text('MSG_BUFFER_SIZE') !== undefined) {
    env.warn('MSG_BUFFER_SIZE has no effect: players read from one shared log, LATENCY_MS trades CPU time for latency');
  }
}
