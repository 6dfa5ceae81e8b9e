import { RedisServer } from '../../support/servers/redis-server';
import type { TestCa } from '../../support/servers/test-ca';
import type { CloudAssembly } from '../synthesis/cloud-assembly';
import { isList, type JsonObject, type TemplateValues } from '../synthesis/template-values';
import type { Secrets } from './secrets';

/** Where the cache is, as the templates know it. */
const CACHE_HOST = 'command-channel.serverless.cache.amazonaws.com';
const CACHE_PORT = '6379';

/** The serverless cache of the templates: a Redis that speaks TLS only and knows only the templates' users. */
export class Cache {
  private constructor(readonly server: RedisServer) {}

  static async start(assembly: CloudAssembly, values: TemplateValues, secrets: Secrets, ca: TestCa): Promise<Cache> {
    const cache = assembly.only('AWS::ElastiCache::ServerlessCache');
    const acl = assembly.ofType('AWS::ElastiCache::User').map((user) => {
      values.provide(user, { ref: values.text(user.stack, user.properties['UserId']) });
      const { Type, Passwords } = user.properties['AuthenticationMode'] as JsonObject;
      if (Type !== 'password' || Passwords === undefined || !isList(Passwords)) {
        throw new Error(`${user.logicalId} has no password`);
      }
      const passwords = Passwords.map((password) => secrets.resolveReference(values.text(user.stack, password)));
      const name = values.text(user.stack, user.properties['UserName']);
      const access = values.text(user.stack, user.properties['AccessString']);
      return `user ${name} ${access} ${passwords.map((password) => `>${password}`).join(' ')}`;
    });
    const server = await RedisServer.start({ tls: ca, acl });
    values.provide(cache, {
      ref: 'command-channel',
      attributes: { 'Endpoint.Address': CACHE_HOST, 'Endpoint.Port': CACHE_PORT },
    });
    return new Cache(server);
  }

  /** The variables with the cache's address where it really is. */
  reachable(variables: Readonly<Record<string, string>>): Record<string, string> {
    const { REDIS_HOST, REDIS_PORT } = variables;
    if (REDIS_HOST === undefined) return { ...variables };
    if (REDIS_HOST !== CACHE_HOST || REDIS_PORT !== CACHE_PORT) {
      throw new Error(`REDIS_HOST and REDIS_PORT are ${REDIS_HOST}:${REDIS_PORT ?? ''}, where no cache is`);
    }
    return { ...variables, REDIS_HOST: this.server.host, REDIS_PORT: String(this.server.port) };
  }
}
