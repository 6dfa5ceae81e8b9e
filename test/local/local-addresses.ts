import type { AwsGateway } from './aws/aws-gateway';
import type { LoadBalancer } from './ingest/load-balancer';
import type { CloudAssembly } from './synthesis/cloud-assembly';
import type { TemplateValues } from './synthesis/template-values';

export interface Places {
  readonly assembly: CloudAssembly;
  readonly values: TemplateValues;
  readonly gateway: AwsGateway;
  readonly balancer: LoadBalancer;
  /** Host name of the load balancer in the templates. */
  readonly ingestName: string;
}

/** Replaces the addresses of the templates in variables with those of this machine. */
export function localAddresses({ assembly, values, gateway, balancer, ingestName }: Places) {
  const addresses = new Map<string, string>();
  for (const { port } of balancer.listeners) addresses.set(`${ingestName}:${port}`, `127.0.0.1:${balancer.port(port)}`);
  for (const endpoint of assembly.ofType('AWS::EC2::VPCEndpoint')) {
    const host = `${endpoint.logicalId.toLowerCase()}.vpce.amazonaws.com`;
    values.provide(endpoint, { ref: endpoint.logicalId, attributes: { DnsEntries: [`Z0000000:${host}`] } });
    addresses.set(`https://${host}`, gateway.url);
  }
  const local = (text: string): string =>
    [...addresses].reduce((changed, [there, here]) => changed.replaceAll(there, here), text);
  return (variables: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, local(value)]));
}
