import { openToken, type OpenToken } from '../aws/open-token';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';

/** OPERATOR_TOKEN, or the secret of OPERATOR_TOKEN_ARN. */
export function openOperatorToken(
  { http, secretRefreshMs }: Pick<ServiceConfig, 'http' | 'secretRefreshMs'>,
  log: Logger,
): OpenToken {
  return openToken({ token: http?.operatorToken, name: 'OPERATOR_TOKEN_ARN', refreshMs: secretRefreshMs, log });
}
