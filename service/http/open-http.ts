import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { HttpServer, type HttpServerOptions } from './http-server';

export interface HttpSurroundings extends Pick<HttpServerOptions, 'ready' | 'streams' | 'metrics'> {
  readonly config: Pick<ServiceConfig, 'http' | 'proxy'>;
  readonly log: Logger;
  /** Uses the next free port if the configured port is taken. */
  readonly portMayMove: boolean;
}

export interface OpenHttp {
  /** Differs from the configured port if that was 0 or taken. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Opens the configured HTTP port; undefined when none is configured.
 *
 * @throws OperatorError when the port cannot be listened on
 */
export async function openHttp(surroundings: HttpSurroundings): Promise<OpenHttp | undefined> {
  const { config, log, portMayMove, ...pages } = surroundings;
  if (config.http === undefined) return undefined;
  const { bindAddress, allowedHosts } = config.http;
  const server = new HttpServer({ ...pages, log, skipProxyHeaders: config.proxy !== undefined, allowedHosts });
  const port = portMayMove
    ? await server.listenOrNext(config.http.port, bindAddress)
    : await server.listen(config.http.port, bindAddress);
  log.info(`HTTP listening on ${bindAddress}:${port}`);
  return { port, close: () => server.close() };
}
