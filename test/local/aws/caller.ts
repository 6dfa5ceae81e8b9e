import { signatureFault, type SignedRequest } from '../../support/aws/sigv4-check';
import type { Principal, Roles } from './roles';

/** Who signed a request, and for which service of AWS; or what is wrong with it. */
export type Caller = { readonly principal: Principal; readonly service: string } | { readonly fault: string };

/** Finds out who signed a request, and checks the signature and the session token. */
export function callerOf(request: SignedRequest, roles: Roles, region: string): Caller {
  const [, accessKeyId, service] =
    /Credential=([^/]+)\/\d{8}\/[^/]+\/([^/]+)\/aws4_request/.exec(request.headers['authorization'] ?? '') ?? [];
  if (accessKeyId === undefined || service === undefined) return { fault: 'Missing Authentication Token' };
  const principal = roles.withAccessKey(accessKeyId);
  if (principal === undefined) return { fault: 'The security token included in the request is invalid.' };
  const { secretAccessKey, sessionToken } = principal.credentials;
  if (request.headers['x-amz-security-token'] !== sessionToken) {
    return { fault: 'The security token included in the request is invalid.' };
  }
  const fault = signatureFault(request, { accessKeyId, secretAccessKey, region, service });
  return fault === undefined ? { principal, service } : { fault };
}
