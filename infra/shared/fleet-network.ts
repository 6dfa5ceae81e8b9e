import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';

/** A VPC, new or existing, and the deployment's three groups of subnets in it. */
export interface FleetNetwork {
  readonly vpc: IVpc;
  /** The load balancer's subnets: public, one per zone that takes streams. Nothing else is in them. */
  readonly ingress: SubnetSelection;
  /** The tasks' subnets, one per zone that takes streams. */
  readonly tasks: SubnetSelection;
  /** Subnets without egress, in at least two zones: the cache, and Lambdas that connect to it. */
  readonly data: SubnetSelection;
  /** Whether AWS APIs are reachable from the task subnets without a public address, by NAT or by PrivateLink. */
  readonly privateEgress: boolean;
  /**
   * IPv4 CIDRs that the load balancer's connections come from: only those may send a PROXY header. In a new VPC only
   * the ingress subnets; in an existing VPC its whole CIDR, since subnet ids do not tell their addresses.
   */
  readonly ingressCidrs: readonly string[];
  /**
   * IPv4 CIDRs of a new VPC's subnets other than the load balancer's; empty for an existing VPC, where they are
   * unknown.
   */
  readonly innerCidrs: readonly string[];
}
