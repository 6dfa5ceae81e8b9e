import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { AccessRules } from './api/access-rules';
import { Api } from './api/api';
import { ApiServer } from './api/api-server';
import { EventFeed } from './api/event-feed';
import { FleetView } from './api/fleet-view';
import type { Machine } from './api/machine';
import { HttpServer, type HttpServerOptions } from './http-server';
import { openOperatorToken } from './operator-token';

export interface HttpSurroundings extends Pick<HttpServerOptions, 'ready' | 'streams' | 'metrics' | 'player' | 'hls'> {
  readonly config: Pick<ServiceConfig, 'http' | 'limits' | 'proxy' | 'secretRefreshMs'>;
  readonly log: Logger;
  /** Uses the next free port if the configured port is taken. */
  readonly portMayMove: boolean;
  /** The nodes that this port answers for. */
  readonly machine: Machine;
}

export interface OpenHttp {
  /** Differs from the configured port if that was 0 or taken. */
  readonly port: number;
  /** The port, if other nodes, which know this machine by `host`, can reach it. */
  portForNodes(host: string): number | undefined;
  close(): Promise<void>;
}

const LOOPBACK = /^(?:127\.|::1$|localhost$)/i;

/**
 * Opens the configured HTTP port; undefined when none is configured.
 *
 * @throws OperatorError when the port cannot be listened on
 */
export async function openHttp(surroundings: HttpSurroundings): Promise<OpenHttp | undefined> {
  const { config, log, portMayMove, machine, ...pages } = surroundings;
  if (config.http === undefined) return undefined;
  const { bindAddress, allowedHosts } = config.http;
  const token = openOperatorToken(config, log);
  const fleet = new FleetView(machine);
  const feed = new EventFeed(fleet);
  const access = new AccessRules({ token: () => token.current() });
  const api = new ApiServer({ api: new Api(fleet, feed), feed, access, log });
  const server = new HttpServer({
    ...pages,
    api,
    log,
    skipProxyHeaders: config.proxy !== undefined,
    ...(config.proxy && { trustedProxies: config.proxy.trusted }),
    unlimited: config.limits.concurrencyWhitelist,
    allowedHosts,
  });
  const port = portMayMove
    ? await server.listenOrNext(config.http.port, bindAddress)
    : await server.listen(config.http.port, bindAddress);
  log.info(`HTTP listening on ${bindAddress}:${port}`);
  return {
    port,
    portForNodes: (host) => (LOOPBACK.test(bindAddress) && !LOOPBACK.test(host) ? undefined : port),
    async close() {
      api.close();
      token.close();
      await server.close();
      pages.hls?.close();
    },
  };
}
