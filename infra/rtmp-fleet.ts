import { Tags } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CallbackStack } from './callback-stack';
import { CommandChannelStack } from './command-channel-stack';
import type { DeploymentConfig } from './config/deployment-config';
import { IngestStack } from './ingest-stack';
import { NetworkStack } from './network-stack';
import { ObservabilityStack } from './observability-stack';
import { OutputsStack } from './outputs-stack';
import { SecretsStack } from './secrets-stack';

/** The prefix of the names of an environment's stacks: `RtmpProd` -> `RtmpProd-Ingest`. */
export function stackPrefix(config: Pick<DeploymentConfig, 'name' | 'environment'>): string {
  const words = [...config.name.split('-'), config.environment].filter((word) => word !== '');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/**
 * Declares one environment: its stacks, in the order of their deployment; each refers only to earlier ones. Network and
 * Secrets are independent; CommandChannel uses the network; Callback and Ingest use all three; Ingest uses Outputs, which
 * exists with `outputs=true`; Observability watches everything and no stack needs it. The stacks are at the top of the app, where `cdk deploy --all` looks for them.
 */
export function declareFleet(app: Construct, config: DeploymentConfig): readonly Stack[] {
  const id = (stack: string) => `${stackPrefix(config)}-${stack}`;
  const serviceName = `${config.name}-${config.environment}`;
  const common = { config, env: { region: config.region, account: config.account } };
  // No termination protection: the CDK sets it before a stack's first deploy, and could then not delete the stack to
  // retry a first deploy that failed. Under protectData each resource that holds data has its own protection.
  const networkStack = new NetworkStack(app, id('Network'), common);
  const { network } = networkStack;
  const secrets = new SecretsStack(app, id('Secrets'), common);
  const { jwtSecret, keyPepper, cachePasswords, canaryKey } = secrets;
  const channel = new CommandChannelStack(app, id('CommandChannel'), { ...common, network, cachePasswords });
  const { cache, rotation } = channel;
  const callback = new CallbackStack(app, id('Callback'), { ...common, network, cache, jwtSecret, keyPepper });
  const outputs = config.outputs ? new OutputsStack(app, id('Outputs'), common) : undefined;
  const ingest = new IngestStack(app, id('Ingest'), {
    ...common,
    ...{ network, cache, jwtSecret, callback, outputs, serviceName },
  });
  const functions = { ...callback.functions, ...(rotation && { rotateCachePassword: rotation }) };
  const watching = { ...common, network, ingest, functions, canaryKey, keys: callback.keys, serviceName };
  const observability = new ObservabilityStack(app, id('Observability'), watching);
  const stacks = [networkStack, secrets, channel, callback, ...(outputs ? [outputs] : []), ingest, observability];
  for (const stack of stacks) {
    Tags.of(stack).add('application', config.name);
    Tags.of(stack).add('environment', config.environment);
  }
  return stacks;
}
