import type { Environment } from './environment';

/**
 * Settings of related servers that this server does not have: a fault where the setting would change who may publish, a
 * warning where it has no effect.
 */
export function readForeignSettings(env: Environment): void {
  if (env.flag('CONTROL_USE', false)) {
    env.fault('CONTROL_USE', 'NO: there is no control server here, CALLBACK_URL names who decides on publishers');
  }
  if (env.text('MSG_BUFFER_SIZE') !== undefined) {
    env.warn('MSG_BUFFER_SIZE has no effect: players read from one shared log, LATENCY_MS trades CPU time for latency');
  }
}
