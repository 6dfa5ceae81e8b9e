import { join } from 'node:path';
import { RemovalPolicy } from 'aws-cdk-lib';
import type { Duration } from 'aws-cdk-lib';
import type { IVpc, ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, LoggingFormat, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import { repositoryRoot } from './repository';

export interface FleetFunctionProps {
  /** Folder of the repository whose handler.ts the function runs. */
  readonly source: string;
  readonly description: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeout: Duration;
  readonly logRetentionDays: RetentionDays;
  /** MiB; CPU grows with it. @default 256 */
  readonly memoryMiB?: number;
  /** @default - only the account's limit */
  readonly reservedConcurrency?: number;
  /** Put into a VPC, with this security group. @default - outside any VPC, with access to the internet */
  readonly inside?: { readonly vpc: IVpc; readonly subnets: SubnetSelection; readonly securityGroup: ISecurityGroup };
}

/**
 * A Lambda function as this project runs them: Node.js 24 on ARM, one bundled file, its own log group whose lines
 * expire, and its own role, which at first may only write to that log group.
 */
export class FleetFunction extends NodejsFunction {
  constructor(scope: Construct, id: string, props: FleetFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    });
    logGroup.grantWrite(role);
    if (props.inside !== undefined) allowNetworkInterfaces(role);
    super(scope, id, {
      description: props.description,
      entry: join(repositoryRoot, props.source, 'handler.ts'),
      handler: 'handler',
      projectRoot: repositoryRoot,
      depsLockFilePath: join(repositoryRoot, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memoryMiB ?? 256,
      timeout: props.timeout,
      environment: { NODE_OPTIONS: '--enable-source-maps', ...props.environment },
      reservedConcurrentExecutions: props.reservedConcurrency,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.inside && {
        vpc: props.inside.vpc,
        vpcSubnets: props.inside.subnets,
        securityGroups: [props.inside.securityGroup],
      }),
      bundling: {
        // CommonJS: ioredis is, and its built-in modules could not be required from an ES module bundle.
        format: OutputFormat.CJS,
        target: 'node24',
        minify: true,
        sourceMap: true,
        sourcesContent: false,
        mainFields: ['module', 'main'],
        // The Lambda runtime contains them.
        externalModules: ['@aws-sdk/*'],
      },
    });
  }
}

/** Actions that Lambda requires of the role of a function in a VPC, as in AWSLambdaVPCAccessExecutionRole. */
export const networkInterfaceActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

function allowNetworkInterfaces(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: networkInterfaceActions,
      resources: ['*'],
    }),
  );
  acknowledge(role, {
    'AwsSolutions-IAM5[Resource::*]':
      'Lambda makes the network interfaces of a function in a VPC with its role, ' +
      'and they have no name before they exist',
  });
}
