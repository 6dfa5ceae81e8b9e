import { Duration, Fn } from 'aws-cdk-lib';
import { InterfaceVpcEndpoint, InterfaceVpcEndpointAwsService, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { CommandCache } from '../shared/command-cache';
import { FleetFunction } from '../shared/fleet-function';
import type { FleetNetwork } from '../shared/fleet-network';
import { openCacheTo } from '../shared/open-cache';
import { allowReading } from '../shared/read-secret';
import { redisEnvironment } from '../shared/redis-environment';

export interface OperatorFunctionProps {
  readonly network: FleetNetwork;
  readonly cache: CommandCache;
  readonly redisChannel: string;
  /** The table in which every order and its result is recorded. */
  readonly auditTable: ITableV2;
  readonly logRetentionDays: RetentionDays;
}

/**
 * How operators reach a cache that only the VPC can reach: invoked with IAM, the function publishes an order to the
 * command channel and records who gave it.
 */
export class OperatorFunction extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: OperatorFunctionProps) {
    super(scope, id);
    const { network, cache, auditTable } = props;
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Operator function of the RTMP fleet',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS APIs');
    openCacheTo(securityGroup, cache);
    const subnets = network.privateEgress ? network.tasks : network.data;
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/operator',
      description: 'Orders of operators to the RTMP fleet (kill, close, block, drain, list), and what they read',
      timeout: Duration.seconds(30),
      logRetentionDays: props.logRetentionDays,
      inside: { vpc: network.vpc, subnets, securityGroup },
      environment: {
        ...redisEnvironment(cache, cache.operator, props.redisChannel),
        AUDIT_TABLE_NAME: auditTable.tableName,
        ...(!network.privateEgress && {
          AWS_ENDPOINT_URL_SECRETS_MANAGER: this.secretsEndpoint(network, securityGroup),
        }),
      },
    });
    allowReading(cache.operator.password, this.function);
    auditTable.grant(this.function, 'dynamodb:PutItem');
  }

  /**
   * Without NAT, a function in a VPC reaches no AWS API. So it gets an endpoint in one zone, about 7 USD a month. The
   * endpoint does not take over the public name: the tasks keep their own route and do not depend on that zone.
   */
  private secretsEndpoint(network: FleetNetwork, client: SecurityGroup): string {
    const securityGroup = new SecurityGroup(this, 'SecretsEndpointSecurityGroup', {
      vpc: network.vpc,
      description: 'Secrets Manager for the operator function',
      allowAllOutbound: false,
    });
    securityGroup.connections.allowFrom(client, Port.tcp(443), 'Operator function');
    const endpoint = new InterfaceVpcEndpoint(this, 'SecretsEndpoint', {
      vpc: network.vpc,
      service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      subnets: firstOf(network.vpc.selectSubnets(network.data).subnets),
      securityGroups: [securityGroup],
      privateDnsEnabled: false,
      open: false,
    });
    // "Z1HUB23UULQXV:vpce-0abc-xyz.secretsmanager.eu-west-1.vpce.amazonaws.com"; the first entry is the name for all
    // zones.
    const dnsName = Fn.select(1, Fn.split(':', Fn.select(0, endpoint.vpcEndpointDnsEntries)));
    return `https://${dnsName}`;
  }
}

function firstOf(subnets: SubnetSelection['subnets']): SubnetSelection {
  return { subnets: subnets?.slice(0, 1) };
}
