import { STAND_IN_ENVIRONMENT } from '../support/aws/stand-in-identity';
import type { LocalDeployment } from './local-deployment';

/** Variables for a terminal: with them the AWS CLI, `npm run keys` and redis-cli reach the deployment. */
export function shellEnvironment(deployment: LocalDeployment): Record<string, string> {
  const { functions, secrets, gateway, cache, ca } = deployment;
  const { TABLE_NAME = '', KEY_PEPPER_ARN = '' } = functions.get('StreamKeys').settings.variables;
  return {
    ...STAND_IN_ENVIRONMENT,
    // Version 1 of the AWS CLI knows only this one.
    AWS_DEFAULT_REGION: STAND_IN_ENVIRONMENT.AWS_REGION,
    AWS_ENDPOINT_URL: gateway.url,
    TABLE_NAME,
    KEY_PEPPER_ARN,
    OPERATOR_FUNCTION: functions.get('Operator').settings.name,
    STREAM_KEYS_FUNCTION: functions.get('StreamKeys').settings.name,
    CANARY_FUNCTION: functions.get('Canary').settings.name,
    JWT_SECRET_ARN: secrets.arn('JwtSecret'),
    REDIS_HOST: cache.server.host,
    REDIS_PORT: String(cache.server.port),
    REDISCLI_AUTH: secrets.firstValue('CachePublisherPassword'),
    CA_FILE: ca.caPath,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
}

/** The same as lines that a shell reads with `.`; no value has a quote in it. */
export function asShellScript(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('');
}
