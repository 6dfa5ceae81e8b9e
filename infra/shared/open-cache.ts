import { Peer, Port } from 'aws-cdk-lib/aws-ec2';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { CommandCache } from './command-cache';

/**
 * Lets resources with the security group `client` connect to the cache. Both rules are in the client's stack: a rule in
 * the cache's own stack would make the two stacks depend on each other.
 */
export function openCacheTo(client: ISecurityGroup, cache: CommandCache): void {
  const port = Port.tcp(cache.port);
  if (cache.connectable === undefined) client.addEgressRule(Peer.anyIpv4(), port, 'Command channel');
  else client.connections.allowTo(cache.connectable, port, 'Command channel');
}
