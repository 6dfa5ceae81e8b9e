import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { CommandCache } from './shared/command-cache';
import { ExpiringTable } from './callback/expiring-table';
import type { FleetFunction } from './shared/fleet-function';
import type { FleetNetwork } from './shared/fleet-network';
import { JwtSecretRotation } from './callback/jwt-secret-rotation';
import { OperatorFunction } from './callback/operator-function';
import { StreamCallback } from './callback/stream-callback';
import { StreamKeysFunction } from './callback/stream-keys-function';
import { givenOption } from './config/deployment-config';
import type { DeploymentConfig } from './config/deployment-config';

export interface CallbackStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly network: FleetNetwork;
  readonly cache: CommandCache;
  readonly jwtSecret: ISecret;
  /** undefined with `callbackUrl`: then this deployment has no stream keys. */
  readonly keyPepper: ISecret | undefined;
}

/** The Lambda functions around the service and their tables. With `callbackUrl`, only the operator function. */
export class CallbackStack extends Stack {
  /** The URL that the service calls. */
  readonly callbackUrl: string;
  readonly functions: Readonly<Record<string, FleetFunction>>;
  /** The stream keys and the pepper that they are hashed with; undefined with `callbackUrl`. */
  readonly keys: { readonly table: ITableV2; readonly pepper: ISecret; readonly maker: FleetFunction } | undefined;
  private readonly callback: StreamCallback | undefined;

  constructor(scope: Construct, id: string, props: CallbackStackProps) {
    super(scope, id, props);
    const { config, keyPepper } = props;
    const operator = this.operator(props);
    if (keyPepper === undefined) {
      this.callbackUrl = givenOption(config, 'callbackUrl');
      this.functions = { operator };
      return;
    }
    const { table } = new ExpiringTable(this, 'Keys', { protect: config.protectData });
    const { jwtSecret } = props;
    const { logRetentionDays } = config;
    this.callback = new StreamCallback(this, 'StreamCallback', { config, table, jwtSecret, keyPepper });
    this.callbackUrl = this.callback.url;
    const streamKeys = new StreamKeysFunction(this, 'StreamKeys', { table, keyPepper, logRetentionDays }).function;
    this.keys = { table, pepper: keyPepper, maker: streamKeys };
    const rotation = this.rotation(config, this.callback, jwtSecret);
    this.functions = { operator, streamCallback: this.callback.function, streamKeys, ...rotation };
    new CfnOutput(this, 'CallbackUrl', { value: this.callbackUrl });
    new CfnOutput(this, 'KeysTableName', { value: table.tableName });
    new CfnOutput(this, 'StreamKeysFunction', { value: streamKeys.functionName });
  }

  /** Lets the service call the callback, where that needs a permission. */
  grantCall(grantee: IGrantable): void {
    this.callback?.grantCall(grantee);
  }

  private operator({ config, network, cache }: CallbackStackProps): FleetFunction {
    const { redisChannel, logRetentionDays, protectData } = config;
    const auditTable = new ExpiringTable(this, 'Audit', { protect: protectData }).table;
    const operator = new OperatorFunction(this, 'Operator', {
      network,
      cache,
      redisChannel,
      auditTable,
      logRetentionDays,
    }).function;
    new CfnOutput(this, 'OperatorFunction', { value: operator.functionName });
    return operator;
  }

  private rotation(config: DeploymentConfig, callback: StreamCallback, secret: ISecret): Record<string, FleetFunction> {
    const { callbackAuth, jwtSubject, logRetentionDays } = config;
    if (config.jwtRotationDays === 0) return {};
    const every = Duration.days(config.jwtRotationDays);
    const rotation = { secret, callback, callbackAuth, jwtSubject, every, logRetentionDays };
    return { rotateSecret: new JwtSecretRotation(this, 'JwtRotation', rotation).function };
  }
}
