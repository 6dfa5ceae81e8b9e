import { build } from 'esbuild';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../support/servers/server-process';
import { bundleBytes, metafile, packagesIn } from './bundles';

interface Bounds {
  /** The npm packages that it may contain; a new one is a decision, not an accident. */
  readonly packages: string;
  /** A little above its present size, KB (1000 bytes). */
  readonly maxKb: number;
}

const REDIS = '@ioredis/commands cluster-key-slot debug denque ioredis ms redis-errors standard-as-callback';
/** Requests to AWS: signatures, credentials, HTTP. */
const AWS = [
  '@aws-sdk/core @aws-sdk/credential-provider-env @aws-sdk/credential-provider-http @aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-login @aws-sdk/credential-provider-node @aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso @aws-sdk/credential-provider-web-identity @aws-sdk/nested-clients',
  '@aws-sdk/signature-v4-multi-region @aws-sdk/token-providers @aws-sdk/xml-builder @aws/lambda-invoke-store',
  '@smithy/core @smithy/credential-provider-imds @smithy/node-http-handler @smithy/signature-v4 @smithy/types bowser',
].join(' ');
const SIGNATURES =
  '@aws-crypto/sha256-js @aws-crypto/util @smithy/is-array-buffer @smithy/util-buffer-from @smithy/util-utf8 tslib';
const SIGNED_REQUESTS =
  '@aws-crypto/sha256-js @aws-crypto/util @smithy/core @smithy/signature-v4 @smithy/util-buffer-from @smithy/util-utf8 tslib';
const TRACES = [
  '@opentelemetry/api @opentelemetry/api-logs @opentelemetry/context-async-hooks @opentelemetry/core',
  '@opentelemetry/exporter-trace-otlp-http @opentelemetry/otlp-exporter-base @opentelemetry/otlp-transformer',
  '@opentelemetry/resources @opentelemetry/sdk-metrics @opentelemetry/sdk-trace @opentelemetry/sdk-trace-base',
  '@opentelemetry/sdk-trace-node @opentelemetry/semantic-conventions',
].join(' ');

const PROGRAMS: Readonly<Record<string, Bounds>> = {
  'rtmp-server.cjs': {
    packages: `${REDIS} @opentelemetry/api bintrees dotenv jose prom-client tdigest ws zod`,
    maxKb: 2_700,
  },
  'rtmp-outputs.cjs': { packages: 'dotenv jose mp4box ws zod', maxKb: 1_800 },
  'rtmp-fleet.cjs': { packages: `${REDIS} dotenv jose zod`, maxKb: 1_700 },
  'aws-sdk.cjs': {
    packages: `${AWS} ${SIGNATURES} @aws-sdk/client-ecs @aws-sdk/client-eventbridge @aws-sdk/client-secrets-manager`,
    maxKb: 1_750,
  },
  'fleet-aws-sdk.cjs': { packages: `${AWS} @aws-sdk/client-cloudformation @aws-sdk/client-lambda`, maxKb: 1_700 },
  's3-sdk.cjs': {
    packages: `${AWS} @aws-sdk/checksums @aws-sdk/client-s3 @aws-sdk/middleware-sdk-s3`,
    maxKb: 1_600,
  },
  'otel-sdk.cjs': { packages: TRACES, maxKb: 820 },
};

/** Scripts and styles of the console, which are compressed in console.cjs. */
const CONSOLE: Bounds = { packages: 'hls.js mpegts.js preact uplot', maxKb: 650 };

/** What a function contains in addition to the AWS SDK of the Lambda runtime. */
const FUNCTIONS: Readonly<Record<string, Bounds>> = {
  'stream-callback': { packages: 'jose', maxKb: 120 },
  operator: { packages: `${REDIS} has-flag supports-color`, maxKb: 400 },
  'stream-keys': { packages: '', maxKb: 40 },
  'rotate-secret': { packages: `${SIGNED_REQUESTS} jose`, maxKb: 120 },
  'rotate-cache-password': { packages: SIGNED_REQUESTS, maxKb: 60 },
  canary: { packages: '', maxKb: 60 },
};

const names = (packages: readonly { readonly name: string }[]): string[] =>
  [...new Set(packages.map(({ name }) => name))].sort();
const words = (text: string): string[] => text.split(' ').filter(Boolean).sort();

test('these are all programs that are built', () => {
  const built = Object.keys(metafile().outputs).filter((name) => name.endsWith('.cjs'));
  expect(built.sort()).toEqual(Object.keys(PROGRAMS).sort());
});

test.each(Object.entries(PROGRAMS))('%s contains the packages that it should, and has the size', (name, bounds) => {
  expect(names(packagesIn(metafile().outputs[name]!))).toEqual(words(bounds.packages));
  expect(bundleBytes(name) / 1000).toBeLessThan(bounds.maxKb);
});

test('the console contains the packages that it should, and has the size', () => {
  const pages = Object.entries(metafile().outputs).filter(([name]) => /\.(?:js|css)$/.test(name));
  expect(names(pages.flatMap(([, output]) => packagesIn(output)))).toEqual(words(CONSOLE.packages));
  expect(bundleBytes('console.cjs') / 1000).toBeLessThan(CONSOLE.maxKb);
});

test.each(Object.entries(FUNCTIONS))('the function %s contains the packages that it should', async (name, bounds) => {
  // As infra/shared/fleet-function.ts has it bundled for the deployment.
  const { metafile: built } = await build({
    absWorkingDir: repositoryRoot,
    entryPoints: [`lambdas/${name}/handler.ts`],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minify: true,
    mainFields: ['module', 'main'],
    external: ['@aws-sdk/*'],
    outfile: 'handler.js',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const output = built.outputs['handler.js']!;
  expect(names(packagesIn(output))).toEqual(words(bounds.packages));
  expect(output.bytes / 1000).toBeLessThan(bounds.maxKb);
});
