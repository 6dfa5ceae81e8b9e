import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { repositoryRoot } from '../../infra/shared/repository';
import { synthesize } from './synthesize';
import type { Options } from './synthesize';

/** What CloudFormation will do with one resource, as `cdk diff` says. */
export interface Change {
  readonly stack: string;
  readonly logicalId: string;
  readonly type: string;
  /** Ways in that a load balancer loses: of a zone (subnet), or of IPv6. AWS ends the connections that came by them. */
  readonly closes: boolean;
  readonly impact: 'WILL_CREATE' | 'WILL_UPDATE' | 'WILL_REPLACE' | 'MAY_REPLACE' | 'WILL_DESTROY' | 'WILL_ORPHAN';
}

/** What says, of a load balancer, by which ways clients come in. */
interface BalancerProperties {
  readonly IpAddressType?: string;
  readonly Subnets?: readonly unknown[];
}

interface TemplateDiff {
  readonly resources: {
    forEachDifference(
      visit: (
        logicalId: string,
        change: {
          oldResourceType?: string;
          newResourceType?: string;
          oldProperties?: BalancerProperties;
          newProperties?: BalancerProperties;
          changeImpact: Change['impact'] | 'NO_CHANGE';
        },
      ) => void,
    ): void;
  };
}

/** The pinned command line, from its file: its knowledge of each type's properties is published by CloudFormation. */
const { DiffFormatter } = createRequire(__filename)(join(repositoryRoot, 'node_modules/aws-cdk/lib/index.js')) as {
  DiffFormatter: new (props: object) => {
    computeDiff(name: string, before: unknown, after: unknown, changeSet: undefined, mappings: object): TemplateDiff;
  };
};

const loadBalancer = 'AWS::ElasticLoadBalancingV2::LoadBalancer';
const keepsData = new Set([
  'AWS::SecretsManager::Secret',
  'AWS::DynamoDB::GlobalTable',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::ElastiCache::ReplicationGroup',
  'AWS::ElastiCache::User',
  'AWS::ElastiCache::UserGroup',
  'AWS::S3::Bucket',
]);
/** Replacing one of these loses the address that streamers know, or a resource that others depend on. */
const ground = new Set([loadBalancer, 'AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::ECS::Cluster']);
const ports = new Set([
  'AWS::ElasticLoadBalancingV2::Listener',
  'AWS::ElasticLoadBalancingV2::TargetGroup',
  'AWS::ECS::Service',
]);

/** From the gentlest on: what a change of options does to streams and data. */
export const effects = ['nothing', 'tasks', 'zone', 'port', 'data', 'fixed'] as const;
export type Effect = (typeof effects)[number];

const known = new Map<string, Change[]>();

/** Everything that CloudFormation does when a deployment with the options `before` is deployed with `after`. */
export function changesBetween(before: Options, after: Options): Change[] {
  const key = JSON.stringify([before, after]);
  const old = synthesize(before).templates;
  const changes =
    known.get(key) ??
    [...synthesize(after).templates].flatMap(([stack, template]) => changesOf(stack, old.get(stack), template));
  known.set(key, changes);
  return changes;
}

function changesOf(stack: string, before: Template | undefined, after: Template): Change[] {
  const changes: Change[] = [];
  const [oldTemplate, template] = [before?.toJSON() ?? {}, after.toJSON()];
  const newTemplate = { template, stackName: stack };
  const formatter = new DiffFormatter({ templateInfo: { oldTemplate, newTemplate, mappings: {} } });
  formatter
    .computeDiff(stack, oldTemplate, template, undefined, {})
    .resources.forEachDifference((logicalId, change) => {
      const { oldResourceType, newResourceType, oldProperties, newProperties, changeImpact: impact } = change;
      const type = newResourceType ?? oldResourceType ?? '';
      const closes = type === loadBalancer && losesAWayIn(oldProperties ?? {}, newProperties ?? {});
      if (impact !== 'NO_CHANGE') changes.push({ stack, logicalId, type, closes, impact });
    });
  return changes;
}

function losesAWayIn(before: BalancerProperties, after: BalancerProperties): boolean {
  const left = new Set((after.Subnets ?? []).map((subnet) => JSON.stringify(subnet)));
  const dualStack = 'dualstack';
  return (
    (before.Subnets ?? []).some((subnet) => !left.has(JSON.stringify(subnet))) ||
    (before.IpAddressType === dualStack && after.IpAddressType !== dualStack)
  );
}

/** The worst of what the changes do. */
export function effectOf(changes: readonly Change[]): Effect {
  const index = Math.max(0, ...changes.map((change) => effects.indexOf(effectOfOne(change))));
  return effects[index] ?? 'nothing';
}

function effectOfOne({ type, closes, impact }: Change): Effect {
  const replaced = impact === 'WILL_REPLACE' || impact === 'MAY_REPLACE';
  const gone = impact === 'WILL_DESTROY' || impact === 'WILL_ORPHAN';
  if (replaced && (keepsData.has(type) || ground.has(type))) return 'fixed';
  if (gone && ground.has(type)) return 'fixed';
  if (gone && keepsData.has(type)) return 'data';
  if ((replaced || gone) && ports.has(type)) return 'port';
  if (closes) return 'zone';
  if (type === 'AWS::ECS::Service' || type === 'AWS::ECS::TaskDefinition') return 'tasks';
  return 'nothing';
}

/** Outputs that a stack read before and that the change removes: without them a rollback may fail. */
export function outputsTakenAway(before: Options, after: Options): string[] {
  const remaining = JSON.stringify([...synthesize(after).templates.values()].map((template) => outputsOf(template)));
  const old = [...synthesize(before).templates];
  const read = old.map(([, template]) => JSON.stringify((template.toJSON() as { Resources: object }).Resources)).join();
  return old.flatMap(([stack, template]) =>
    outputsOf(template)
      .filter((name) => read.includes(`"${name}"`) && !remaining.includes(`"${name}"`))
      .map((name) => `${stack} ${name}`),
  );
}

function outputsOf(template: Template): string[] {
  return Object.keys((template.toJSON() as { Outputs?: object }).Outputs ?? {});
}

/**
 * Replaced resources whose value another stack reads, in a template that the change leaves as it is: `cdk deploy` would
 * skip that stack, which would keep the value of the removed resource.
 */
export function staleReaders(before: Options, after: Options): string[] {
  const replaced = changesBetween(before, after).filter(({ impact }) => impact.endsWith('_REPLACE'));
  const old = synthesize(before).templates;
  return [...synthesize(after).templates].flatMap(([stack, template]) => {
    const text = JSON.stringify(template.toJSON());
    if (text !== JSON.stringify(old.get(stack)?.toJSON())) return [];
    return replaced
      .filter(({ logicalId }) => ['Ref', 'FnGetAtt'].some((how) => text.includes(`Output${how}${logicalId}`)))
      .filter((change) => change.stack !== stack)
      .map((change) => `${stack} reads ${change.stack}/${change.logicalId}`);
  });
}
