import type { Logger } from './logger';

const nothing = (): void => undefined;

/** For what leaves no trace in the log. */
export const silentLogger: Logger = {
  error: nothing,
  warning: nothing,
  info: nothing,
  request: nothing,
  debug: nothing,
  child: () => silentLogger,
};
