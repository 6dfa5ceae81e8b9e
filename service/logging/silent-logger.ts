import type { Logger } from './logger';

const nothing = (): void => undefined;

/** Writes nothing. */
export const silentLogger: Logger = {
  error: nothing,
  warning: nothing,
  info: nothing,
  request: nothing,
  debug: nothing,
  child: () => silentLogger,
};
