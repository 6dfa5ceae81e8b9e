import type { SignatureV4 } from '@smithy/signature-v4';
import { describeError } from '../errors/error-text';
import type { RequestSigner } from './request-signer';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';

/** The service name in the AWS Signature Version 4 of requests to Lambda function URLs. */
const SERVICE = 'lambda';

/**
 * Signs callback requests with the credentials that the AWS SDK finds: on ECS those of the task's role, which it
 * renews in time. The SDK is loaded with the first request.
 */
export function lambdaSigner(region: string, log: Logger): RequestSigner {
  const faults = new FaultRateLimit(log);
  let signer: Promise<SignatureV4> | undefined;
  return async (url, headers) => {
    try {
      signer ??= createSigner(region);
      return await sign(await signer, url, headers);
    } catch (error) {
      const reason = describeError(error);
      faults.report('error', 'sign', 'the callback request cannot be signed for AWS', { reason });
      throw error;
    }
  };
}

async function createSigner(region: string): Promise<SignatureV4> {
  const { SignatureV4, Sha256, defaultProvider } = await import('./aws-sdk');
  return new SignatureV4({ service: SERVICE, region, credentials: defaultProvider(), sha256: Sha256 });
}

async function sign(
  signer: SignatureV4,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const signed = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: queryOf(url),
    headers: { ...headers, host: url.host },
  });
  return signed.headers;
}

function queryOf(url: URL): Record<string, string[]> {
  const names = new Set(url.searchParams.keys());
  return Object.fromEntries([...names].map((name) => [name, url.searchParams.getAll(name)]));
}
