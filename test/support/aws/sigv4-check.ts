import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** One request as it arrived. Header names in lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as on the wire. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface SigningIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly service: string;
}

const MAX_SKEW_MS = 5 * 60 * 1000;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

function awsEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(search: string): string {
  return [...new URLSearchParams(search)]
    .map(([name, value]) => `${awsEncode(name)}=${awsEncode(value)}`)
    .sort()
    .join('&');
}

function timeOf(amzDate: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

/**
 * The fault of a request's AWS Signature Version 4; undefined when it is valid. The signature is computed again from
 * the request, by the published algorithm only.
 */
export function signatureFault(request: SignedRequest, identity: SigningIdentity): string | undefined {
  const { headers } = request;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    );
  if (parts === null) return 'no AWS4-HMAC-SHA256 authorization header';
  const [, accessKeyId = '', day = '', region = '', service = '', signedHeaders = '', signature = ''] = parts;
  if (accessKeyId !== identity.accessKeyId) return 'unknown access key';
  if (region !== identity.region || service !== identity.service) return `scope is ${region}/${service}`;
  const amzDate = headers['x-amz-date'] ?? '';
  if (!amzDate.startsWith(day) || !(Math.abs(Date.now() - timeOf(amzDate)) < MAX_SKEW_MS)) return 'date out of range';

  const signed = signedHeaders.split(';');
  if (!signed.includes('host')) return 'host is not signed';
  const bodyHash = sha256(request.body);
  const claimedHash = headers['x-amz-content-sha256'];
  if (claimedHash !== undefined && claimedHash !== bodyHash) return 'body differs from x-amz-content-sha256';

  const [path = '/', search = ''] = request.target.split('?', 2);
  const canonicalHeaders = signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  const canonicalPath = path.split('/').map(awsEncode).join('/');
  const canonicalRequest = [
    request.method,
    canonicalPath,
    canonicalQuery(search),
    canonicalHeaders.join(''),
    signedHeaders,
    bodyHash,
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scope, sha256(canonicalRequest)].join('\n');
  const signingKey = [region, service, 'aws4_request'].reduce<Buffer>(
    (key, part) => hmac(key, part),
    hmac(`AWS4${identity.secretAccessKey}`, day),
  );
  const expected = hmac(signingKey, stringToSign);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? undefined : 'signature does not match';
}
