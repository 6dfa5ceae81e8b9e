import { LambdaClient } from '@aws-sdk/client-lambda';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import type { DynamoDbStandIn } from '../support/aws/dynamodb';
import { startEcsApi } from '../support/aws/ecs-api';
import { EcsService } from '../support/aws/ecs-service';
import { STAND_IN_REGION, standInClientOptions } from '../support/aws/stand-in-identity';
import { createTestCa, type TestCa } from '../support/servers/test-ca';
import { startAwsGateway, type AwsGateway } from './aws/aws-gateway';
import { Cache } from './aws/cache';
import { Functions } from './aws/functions';
import { Roles } from './aws/roles';
import { attachRotations } from './aws/rotation-schedules';
import { Secrets } from './aws/secrets';
import { startTables } from './aws/tables';
import { canContain } from './ingest/container';
import { FargateService } from './ingest/fargate-service';
import { LoadBalancer } from './ingest/load-balancer';
import {
  balancerCidrs,
  readTaskDefinition,
  refuseClosedPorts,
  refuseUnknownOutputsVariables,
  refuseUnknownVariables,
  withoutOwnNetwork,
} from './ingest/task-definition';
import { localAddresses } from './local-addresses';
import { buildArtifacts, type Artifacts } from './synthesis/artifacts';
import { TemplateValues } from './synthesis/template-values';
import { Undoing } from './undoing';

const home = { region: STAND_IN_REGION, account: '123456789012' };
/** The name that streamers would connect to. */
const ingestName = 'live.example.com';

/** The dev environment with a domain name, so that it accepts RTMPS: TLS ends at the load balancer or in the task. */
const deployed = {
  nlb: {
    ...{ env: 'dev', region: home.region, domainName: ingestName },
    certificateArn: `arn:aws:acm:${home.region}:${home.account}:certificate/local`,
  },
  service: {
    ...{ env: 'dev', region: home.region, domainName: ingestName, tls: 'service' },
    tlsCertSecretArn: givenSecretArn('tls-certificate'),
    tlsKeySecretArn: givenSecretArn('tls-key'),
  },
};

/** Streams are recorded and packaged as well. */
const withOutputs = { memoryMiB: '1024', outputs: 'true', recordBucket: 'create', hls: 'true' };

export interface LocalDeploymentOptions {
  /** Address of an S3: with it, tasks have outputs, which are stored in its buckets. */
  readonly s3?: string;
  /** Who ends TLS. Default: the load balancer. */
  readonly tls?: 'nlb' | 'service';
  /** Listener's port -> preferred port on this machine; another port where that is taken. */
  readonly preferredPorts?: ReadonlyMap<number, number>;
  /** Other values for variables that functions have in the templates, to save time. */
  readonly functionVariables?: Readonly<Record<string, string>>;
  /** Variables of the tasks besides those of the templates, to save time. */
  readonly taskVariables?: Readonly<Record<string, string>>;
  /** Tasks run isolated as in a container, where the machine allows it. Default false. */
  readonly contained?: boolean;
  /** Takes each line that a task or function logs. */
  readonly log?: (line: string) => void;
  /** Takes the event of each callback that gets through to its function. */
  readonly onCallback?: (event: LambdaFunctionURLEvent) => void;
}

/** The deployment of the templates on this machine. */
export interface LocalDeployment {
  /** Signed the certificates of the load balancer and of the cache. */
  readonly ca: TestCa;
  readonly secrets: Secrets;
  readonly tables: DynamoDbStandIn;
  readonly cache: Cache;
  readonly functions: Functions;
  readonly balancer: LoadBalancer;
  readonly gateway: AwsGateway;
  readonly service: FargateService;
  readonly ecs: EcsService;
  /** Invokes functions, as an administrator. */
  readonly lambda: LambdaClient;
  /** Ends all processes and removes all files. */
  stop(): Promise<void>;
}

const TASKS = 2;

/** Starts everything; when that fails, ends what has been started. */
export async function startLocalDeployment(options: LocalDeploymentOptions = {}): Promise<LocalDeployment> {
  const base = deployed[options.tls ?? 'nlb'];
  const artifacts = await buildArtifacts(options.s3 === undefined ? base : { ...base, ...withOutputs });
  const undoing = new Undoing();
  try {
    return await deploy(artifacts, options, undoing);
  } catch (error) {
    await undoing.run();
    throw error;
  }
}

async function deploy(
  { assembly, image }: Artifacts,
  options: LocalDeploymentOptions,
  undoing: Undoing,
): Promise<LocalDeployment> {
  const { log = () => undefined } = options;
  const values = new TemplateValues(assembly.outputs, home);
  const ca = undoing.later(createTestCa(`DNS:localhost,DNS:${ingestName},IP:127.0.0.1`), (it) => it.remove());

  // What holds state.
  const secrets = undoing.later(await Secrets.start(assembly, values), (it) => it.standIn.stop());
  secrets.standIn.createSecret('tls-certificate', ca.cert);
  secrets.standIn.createSecret('tls-key', ca.key);
  const tables = undoing.later(await startTables(assembly, values, home), (it) => it.stop());
  const cache = undoing.later(await Cache.start(assembly, values, secrets, ca), (it) => it.server.remove());

  // Whoever runs the S3 has made them.
  for (const bucket of assembly.ofType('AWS::S3::Bucket')) values.provide(bucket, { ref: bucketName(bucket) });

  // Roles and functions.
  const roles = new Roles(assembly, values, home.account);
  const { onCallback: onUrlCall } = options;
  const functions = undoing.later(await Functions.open({ assembly, values, roles, home, onUrlCall }), (it) =>
    it.stop(),
  );
  const cluster = assembly.only('AWS::ECS::Cluster');
  values.provide(cluster, { ref: 'rtmp-fleet' });
  const definition = readTaskDefinition(assembly, values);
  const ecs = new EcsService({
    ...{ ...home, cluster: 'rtmp-fleet', service: 'rtmp-service', family: definition.family, desiredCount: TASKS },
  });
  const ecsApi = undoing.later(await startEcsApi(ecs), (it) => it.stop());
  const endpoints = {
    secretsmanager: secrets.standIn.endpoint,
    dynamodb: tables.endpoint,
    ecs: ecsApi.endpoint,
  };
  const functionNamed = (name: string) => functions.named(name);
  const gateway = undoing.later(await startAwsGateway({ roles, home, endpoints, functionNamed }), (it) => it.stop());

  // The load balancer.
  const balancer = undoing.later(await LoadBalancer.start(assembly, values, ca, options.preferredPorts), (it) =>
    it.stop(),
  );
  refuseUnknownVariables(definition.variables, { AWS_REGION: home.region });
  if (definition.outputs) refuseUnknownOutputsVariables(definition.outputs);
  refuseClosedPorts(definition, balancer.listeners);
  const reachable = localAddresses({ assembly, values, gateway, balancer, ingestName });
  const everywhere = {
    AWS_ENDPOINT_URL: gateway.url,
    // The SDK's warning about older releases of Node.js does not apply to the releases that are deployed.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const override = overriding(options.functionVariables ?? {});
  functions.configure({
    surroundings: { ...everywhere, NODE_EXTRA_CA_CERTS: ca.caPath },
    localized: (variables) => reachable(cache.reachable(override(variables))),
    log,
  });
  override.refuseUnused();
  attachRotations(assembly, values, secrets, functions);
  roles.attachPolicies();

  // The nodes.
  const variables = {
    ...withoutOwnNetwork(cache.reachable(definition.variables), balancerCidrs(assembly, values)),
    ...everywhere,
    ...options.taskVariables,
  };
  const service = undoing.later(
    new FargateService({
      ...{ ecs, definition, variables, balancer, log },
      outputsVariables: { ...everywhere, ...(options.s3 !== undefined && { AWS_ENDPOINT_URL_S3: options.s3 }) },
      role: roles.role(definition.roleArn),
      container: { image, caFile: ca.caPath },
      walls: options.contained === true && canContain(),
    }),
    (it) => it.stop(),
  );
  await Promise.all(Array.from({ length: TASKS }, () => service.startTask()));
  ecs.completeDeployment();
  const lambda = undoing.later(new LambdaClient(standInClientOptions(gateway.url)), (it) => it.destroy());
  return { ca, secrets, tables, cache, functions, balancer, gateway, service, ecs, lambda, stop: () => undoing.run() };
}

/** The name that a bucket of the templates has here: `Recordings1A2B3C4D` is `recordings`. */
function bucketName({ logicalId }: { readonly logicalId: string }): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '').toLowerCase();
}

/** Puts other values in place of those of the templates. */
function overriding(others: Readonly<Record<string, string>>) {
  const unused = new Set(Object.keys(others));
  const override = (variables: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(variables).map(([name, value]) => {
        unused.delete(name);
        return [name, others[name] ?? value];
      }),
    );
  const refuseUnused = (): void => {
    if (unused.size > 0) throw new Error(`no function of the templates has ${[...unused].join(', ')}`);
  };
  return Object.assign(override, { refuseUnused });
}

/** ARN that a secret of this name gets here. */
function givenSecretArn(name: string): string {
  return `arn:aws:secretsmanager:${home.region}:${home.account}:secret:${name}-AbCdEf`;
}
