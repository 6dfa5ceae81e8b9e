import { loadOutputsConfig } from '../../../service/config/outputs-config';
import { loadServiceConfig } from '../../../service/config/service-config';
import type { CloudAssembly } from '../synthesis/cloud-assembly';
import type { Json, JsonObject, TemplateValues } from '../synthesis/template-values';
import type { ContainerSettings } from './container';
import { balancerAddress, type Listener } from './load-balancer';

type Variables = Readonly<Record<string, string>>;

/** What the templates say of the service's task, resolved. */
export interface TaskDefinition {
  readonly family: string;
  readonly containerName: string;
  readonly variables: Variables;
  readonly settings: ContainerSettings;
  readonly roleArn: string;
  /** Ports of the container that can be reached. */
  readonly ports: readonly number[];
  /** The container in which outputs are made; undefined: there is none. */
  readonly outputs: OutputsContainer | undefined;
}

export interface OutputsContainer {
  /** Program and arguments, in place of the image's. */
  readonly entryPoint: readonly string[];
  readonly variables: Variables;
  readonly settings: ContainerSettings;
}

/** @throws UnresolvedValueError for a variable that names what does not exist */
export function readTaskDefinition(assembly: CloudAssembly, values: TemplateValues): TaskDefinition {
  const { stack, properties } = assembly.only('AWS::ECS::TaskDefinition');
  const [container, outputs, ...others] = properties['ContainerDefinitions'] as readonly JsonObject[];
  if (container === undefined || others.length > 0) throw new Error('the task must have one container, or two');
  const variablesOf = ({ Environment }: JsonObject): Variables => {
    const environment = Environment as readonly { readonly Name: string; readonly Value: Json }[];
    return Object.fromEntries(environment.map(({ Name, Value }) => [Name, values.text(stack, Value)]));
  };
  const settingsOf = ({ User, ReadonlyRootFilesystem }: JsonObject): ContainerSettings => ({
    user: values.text(stack, User),
    readOnlyRoot: ReadonlyRootFilesystem === true,
  });
  const ports = container['PortMappings'] as readonly { readonly ContainerPort: number }[];
  return {
    family: values.text(stack, properties['Family']),
    containerName: values.text(stack, container['Name']),
    variables: variablesOf(container),
    settings: settingsOf(container),
    roleArn: values.text(stack, properties['TaskRoleArn']),
    ports: ports.map(({ ContainerPort }) => ContainerPort),
    outputs: outputs && {
      entryPoint: (outputs['EntryPoint'] as readonly Json[]).map((word) => values.text(stack, word)),
      variables: variablesOf(outputs),
      settings: settingsOf(outputs),
    },
  };
}

/**
 * `addedByEcs` are the variables that ECS sets besides those of the definition, and `load` is what the program reads them
 * with.
 *
 * @throws Error naming the variables that the program never reads: misspelt, or of another version
 */
export function refuseUnknownVariables(
  variables: Variables,
  addedByEcs: Variables,
  load: (values: Variables) => { readonly warnings: readonly string[] } = loadServiceConfig,
): void {
  const asked = new Set<string | symbol>();
  const recorded = new Proxy<Variables>(
    { ...addedByEcs, ...variables },
    {
      get(target, name) {
        asked.add(name);
        return target[String(name)];
      },
    },
  );
  const { warnings } = load(recorded);
  const unknown = Object.keys(variables).filter((name) => !asked.has(name));
  if (unknown.length > 0) throw new Error(`variables that the service does not know: ${unknown.join(', ')}`);
  if (warnings.length > 0) throw new Error(`the service is not content with its variables: ${warnings.join('; ')}`);
}

/** @throws Error when a listener leads to a port on which the container does not listen, or that is not open */
export function refuseClosedPorts({ variables, ports }: TaskDefinition, listeners: readonly Listener[]): void {
  const streams = [variables['RTMP_PORT'], variables['SSL_PORT']].map(Number);
  for (const { port, group } of listeners) {
    const leads = `listener ${port} leads to port ${group.port}, its health checks to ${group.healthPort}`;
    if (!streams.includes(group.port)) throw new Error(`${leads}: the service takes no streams there`);
    if (group.healthPort !== Number(variables['HTTP_PORT'])) throw new Error(`${leads}: HTTP_PORT is another`);
    if (!ports.includes(group.port) || !ports.includes(group.healthPort)) throw new Error(`${leads}: not mapped`);
  }
}

/**
 * The same variables for a task without a separate network: free ports of the loopback interface, and the load
 * balancer at its address here. `balancerCidrs` is where the templates put it.
 */
export function withoutOwnNetwork(variables: Variables, balancerCidrs: readonly string[]): Record<string, string> {
  const { PROXY_TRUSTED = '' } = variables;
  if (PROXY_TRUSTED.split(',').sort().join() !== [...balancerCidrs].sort().join()) {
    throw new Error(`PROXY_TRUSTED is ${PROXY_TRUSTED}, but the load balancer is in ${balancerCidrs.join()}`);
  }
  const loopback = '127.0.0.1';
  return {
    ...variables,
    ...{ RTMP_PORT: '0', HTTP_PORT: '0', ...(variables['SSL_PORT'] !== undefined && { SSL_PORT: '0' }) },
    ...{ BIND_ADDRESS: loopback, HTTP_BIND_ADDRESS: loopback, PROXY_TRUSTED: `${balancerAddress}/32` },
  };
}

/** The address ranges of the subnets that the templates put the load balancer in. */
export function balancerCidrs(assembly: CloudAssembly, values: TemplateValues): string[] {
  const cidrs = new Map<string, string>();
  for (const subnet of assembly.ofType('AWS::EC2::Subnet')) {
    const ref = `subnet-${subnet.logicalId}`;
    values.provide(subnet, { ref });
    cidrs.set(ref, values.text(subnet.stack, subnet.properties['CidrBlock']));
  }
  const { stack, properties } = assembly.only('AWS::ElasticLoadBalancingV2::LoadBalancer');
  return (properties['Subnets'] as readonly Json[]).map((subnet) => cidrs.get(values.text(stack, subnet)) ?? '');
}

/** The same check for the container of outputs. */
export function refuseUnknownOutputsVariables({ variables }: OutputsContainer): void {
  refuseUnknownVariables(variables, {}, loadOutputsConfig);
}
