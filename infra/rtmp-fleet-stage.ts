import { Stage, Tags } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CallbackStack } from './callback-stack';
import { CommandChannelStack } from './command-channel-stack';
import type { DeploymentConfig } from './deployment-config';
import { IngestStack } from './ingest-stack';
import { NetworkStack } from './network-stack';
import { ObservabilityStack } from './observability-stack';
import { SecretsStack } from './secrets-stack';

/** Id of an environment's stage, which begins the names of its stacks: `RtmpProd` -> `RtmpProd-Ingest`. */
export function stageId(config: DeploymentConfig): string {
  const words = [...config.name.split('-'), config.environment].filter((word) => word !== '');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/**
 * One environment: its stacks, each naming only those before it. Network and Secrets stand alone; CommandChannel lies
 * in the network; Callback and Ingest use all three; Observability watches everything and nothing needs it.
 */
export class RtmpFleetStage extends Stage {
  constructor(scope: Construct, config: DeploymentConfig) {
    super(scope, stageId(config), { env: { region: config.region, account: config.account } });
    this.answerZoneQuestion(config);
    const serviceName = `${config.name}-${config.environment}`;
    // What holds state cannot be deleted by a slip of the hand.
    const stateful = { config, terminationProtection: config.protectData };
    const { network } = new NetworkStack(this, 'Network', { config });
    const secrets = new SecretsStack(this, 'Secrets', stateful);
    const { jwtSecret, keyPepper, cachePasswords } = secrets;
    const channel = new CommandChannelStack(this, 'CommandChannel', { ...stateful, network, cachePasswords });
    const { cache, rotation } = channel;
    const callback = new CallbackStack(this, 'Callback', { ...stateful, network, cache, jwtSecret, keyPepper });
    const ingest = new IngestStack(this, 'Ingest', { config, network, cache, jwtSecret, callback, serviceName });
    const { canaryKey } = secrets;
    const functions = { ...callback.functions, ...(rotation && { rotateCachePassword: rotation }) };
    new ObservabilityStack(this, 'Observability', { config, ingest, functions, canaryKey, serviceName });
    Tags.of(this).add('application', config.name);
    Tags.of(this).add('environment', config.environment);
  }

  /** With a named account CDK would ask AWS which zones it has, although they are given: this answers in advance. */
  private answerZoneQuestion({ account, region, availabilityZones }: DeploymentConfig): void {
    if (account === undefined || availabilityZones === undefined) return;
    this.node.setContext(`availability-zones:account=${account}:region=${region}`, availabilityZones);
  }
}
