import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretStore, SecretsApiError } from './secret-store';
import { signatureFault } from './sigv4-check';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION, standInClientOptions } from './stand-in-identity';

/** One call of a rotation function. */
export interface RotationStep {
  readonly SecretId: string;
  readonly ClientRequestToken: string;
  readonly Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
}

export const ROTATION_STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** Secrets Manager on a free loopback port, in memory; it checks signatures and refuses what AWS refuses. */
export interface SecretsManagerStandIn {
  /** For AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly endpoint: string;
  readonly client: SecretsManagerClient;
  /** Names of the operations that were called, in order. */
  readonly calls: readonly string[];
  /** Makes a secret and returns its ARN. */
  createSecret(name: string, value: string): string;
  /** Attaches a rotation function; RotateSecret then runs its four steps. */
  onRotation(secretId: string, rotate: (step: RotationStep) => Promise<void>): void;
  /** Begins a rotation as RotateSecret does, and leaves the steps to the caller. */
  announceRotation(secretId: string): { readonly arn: string; readonly token: string };
  /** Resolves when the rotations that were begun have ended; rejects with the error of a step. */
  rotationsEnded(): Promise<void>;
  stop(): Promise<void>;
}

type Input = Readonly<Record<string, unknown>>;

function text(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === 'string' ? value : undefined;
}

function texts(input: Input, name: string): string[] | undefined {
  const value = input[name];
  return Array.isArray(value) ? value.map(String) : undefined;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

export async function startSecretsManager(): Promise<SecretsManagerStandIn> {
  const store = new SecretStore(STAND_IN_REGION);
  const calls: string[] = [];
  const rotators = new Map<string, (step: RotationStep) => Promise<void>>();
  const rotations: Promise<void>[] = [];

  const rotate = async (secretId: string, token: string): Promise<void> => {
    const rotator = rotators.get(secretId);
    for (const step of ROTATION_STEPS) {
      await rotator?.({ SecretId: secretId, ClientRequestToken: token, Step: step });
    }
  };

  const perform = (operation: string, input: Input): object => {
    const secretId = text(input, 'SecretId') ?? '';
    const token = text(input, 'ClientRequestToken');
    switch (operation) {
      case 'CreateSecret': {
        const name = text(input, 'Name') ?? '';
        return { ARN: store.create(name, text(input, 'SecretString') ?? ''), Name: name };
      }
      case 'DescribeSecret':
        return store.describe(secretId);
      case 'GetSecretValue':
        return store.get(secretId, text(input, 'VersionId'), text(input, 'VersionStage'));
      case 'PutSecretValue':
        return store.put(secretId, token, text(input, 'SecretString'), texts(input, 'VersionStages'));
      case 'UpdateSecretVersionStage':
        return store.moveStage(
          secretId,
          text(input, 'VersionStage'),
          text(input, 'MoveToVersionId'),
          text(input, 'RemoveFromVersionId'),
        );
      case 'RotateSecret': {
        const versionId = token ?? '';
        const arn = store.beginRotation(secretId, versionId);
        const rotation = rotate(arn, versionId);
        rotation.catch(() => undefined); // Reported by rotationsEnded().
        rotations.push(rotation);
        return { ARN: arn, VersionId: versionId };
      }
      default:
        throw new SecretsApiError('UnknownOperationException', `no operation ${operation}`);
    }
  };

  const serve = async (request: IncomingMessage): Promise<object> => {
    const body = await readBody(request);
    const headers = request.headers as Record<string, string>;
    const identity = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'secretsmanager' };
    const signed = { method: request.method ?? '', target: request.url ?? '/', headers, body };
    const fault = signatureFault(signed, identity);
    if (fault !== undefined) throw new SecretsApiError('InvalidSignatureException', fault);
    const operation = (headers['x-amz-target'] ?? '').replace(/^secretsmanager\./, '');
    calls.push(operation);
    return perform(operation, JSON.parse(body.toString('utf8')) as Input);
  };

  const server = createServer((request, response) => {
    const send = (status: number, answer: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    };
    serve(request).then(
      (answer) => send(200, answer),
      (error: unknown) => {
        if (!(error instanceof SecretsApiError)) return send(500, { __type: 'InternalServiceError' });
        return send(400, { __type: error.code, Message: error.message });
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new SecretsManagerClient(standInClientOptions(endpoint));

  return {
    endpoint,
    client,
    calls,
    createSecret: (name, value) => store.create(name, value),
    onRotation(secretId, rotator) {
      store.enableRotation(secretId);
      rotators.set(store.describe(secretId).ARN, rotator);
    },
    announceRotation(secretId) {
      store.enableRotation(secretId);
      const token = randomUUID();
      return { arn: store.beginRotation(secretId, token), token };
    },
    async rotationsEnded() {
      await Promise.all(rotations.splice(0));
    },
    async stop() {
      client.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
