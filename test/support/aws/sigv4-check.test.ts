import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import { beforeAll, expect, test } from '@jest/globals';
import { signatureFault, type SignedRequest } from './sigv4-check';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from './stand-in-identity';

const identity = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'lambda' };
let request: SignedRequest;

beforeAll(async () => {
  const signer = new SignatureV4({
    credentials: STAND_IN_CREDENTIALS,
    region: STAND_IN_REGION,
    service: 'lambda',
    sha256: Sha256,
  });
  const signed = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname: 'callback.example.com',
    path: '/start here',
    query: { b: '2 3', a: "it's*" },
    headers: { host: 'callback.example.com', 'rtmp-event': 'token' },
    body: 'body',
  });
  const target = "/start here?b=2%203&a=it's*";
  request = { method: 'POST', target, headers: signed.headers, body: Buffer.from('body') };
});

test('a request that the SDK signed is good', () => {
  expect(signatureFault(request, identity)).toBeUndefined();
});

test.each<[string, () => Partial<SignedRequest>, RegExp]>([
  ['method', () => ({ method: 'GET' }), /does not match/],
  ['path', () => ({ target: '/elsewhere' }), /does not match/],
  ['query', () => ({ target: '/start here?b=2%203&a=other' }), /does not match/],
  ['signed header', () => ({ headers: { ...request.headers, 'rtmp-event': 'other' } }), /does not match/],
  ['body', () => ({ body: Buffer.from('other') }), /body differs/],
  ['date', () => ({ headers: { ...request.headers, 'x-amz-date': '20200101T000000Z' } }), /date out of range/],
  ['missing signature', () => ({ headers: { host: 'a' } }), /no AWS4-HMAC-SHA256/],
])('another %s is found out', (_name, change, fault) => {
  expect(signatureFault({ ...request, ...change() }, identity)).toMatch(fault);
});

test('a signature of somebody else, or for another service, is found out', () => {
  expect(signatureFault(request, { ...identity, secretAccessKey: 'other' })).toMatch(/does not match/);
  expect(signatureFault(request, { ...identity, accessKeyId: 'other' })).toMatch(/unknown access key/);
  expect(signatureFault(request, { ...identity, service: 'execute-api' })).toMatch(/scope/);
});
