import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Haproxy } from '../../support/programs/haproxy';
import type { TestCa } from '../../support/servers/test-ca';
import type { CloudAssembly, TemplateResource } from '../synthesis/cloud-assembly';
import type { Json, JsonObject, TemplateValues } from '../synthesis/template-values';

/** The load balancer's own address: connections and health checks come to the targets from here. */
export const balancerAddress = '127.0.100.1';

/** A port that streamers connect to. */
export interface Listener {
  /** As the template has it. */
  readonly port: number;
  readonly protocol: 'TCP' | 'TLS';
  readonly group: TargetGroup;
}

export interface TargetGroup {
  readonly logicalId: string;
  /** Ports of the container. */
  readonly port: number;
  readonly healthPort: number;
  readonly healthPath: string;
  readonly proxyProtocol: boolean;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
}

/** Gives the port here that a port of the container is. */
export type PortOfTarget = (containerPort: number) => number;

const TARGETS = 8;
const HEALTHY_MS = 20_000;

/** HAProxy as the network load balancer of the templates. */
export class LoadBalancer {
  readonly #targets: (string | undefined)[] = new Array<undefined>(TARGETS).fill(undefined);

  private constructor(
    private readonly haproxy: Haproxy,
    readonly listeners: readonly Listener[],
  ) {}

  /** `preferredPorts`: listener's port -> the port here that it should rather be. */
  static async start(
    assembly: CloudAssembly,
    values: TemplateValues,
    ca: TestCa,
    preferredPorts: ReadonlyMap<number, number> = new Map(),
  ): Promise<LoadBalancer> {
    const listeners = listenersOf(assembly, values);
    const pem = join(ca.certPath, '..', 'balancer.pem');
    writeFileSync(pem, `${ca.cert}${ca.key}`, { mode: 0o600 });
    const haproxy = await Haproxy.start({
      ports: new Map(listeners.map(({ port }) => [String(port), preferredPorts.get(port)])),
      configuration: (port) => configuration(listeners, (listener) => port(String(listener.port)), pem),
    });
    return new LoadBalancer(haproxy, listeners);
  }

  /** The port here that a listener's port is. */
  port(listenerPort: number): number {
    return this.haproxy.port(String(listenerPort));
  }

  /** Sends new connections to a target too, in all groups. Resolves when its health checks have succeeded. */
  async register(id: string, portOf: PortOfTarget): Promise<void> {
    const slot = this.#targets.indexOf(undefined);
    if (slot < 0) throw new Error(`there is room for ${TARGETS} targets`);
    this.#targets[slot] = id;
    const servers = this.listeners.map((listener) => ({ listener, server: serverName(listener, slot) }));
    for (const { listener, server } of servers) {
      const { group } = listener;
      await this.haproxy.command(`set server ${server} addr 127.0.0.1 port ${portOf(group.port)}`);
      await this.haproxy.command(`set server ${server} check-port ${portOf(group.healthPort)}`);
      await this.haproxy.command(`set server ${server} state ready`);
      // Otherwise it would count as healthy until a check fails.
      await this.haproxy.command(`set server ${server} health down`);
    }
    const deadlineMs = Date.now() + HEALTHY_MS;
    for (;;) {
      const statuses = await this.haproxy.statuses();
      if (servers.every(({ server }) => statuses.get(server) === 'UP')) return;
      if (Date.now() > deadlineMs) throw new Error(`target ${id} does not become healthy`);
      await sleep(50);
    }
  }

  /** No new connections for the target; its open connections continue. */
  async deregister(id: string): Promise<void> {
    const slot = this.#targets.indexOf(id);
    if (slot < 0) throw new Error(`there is no target ${id}`);
    for (const listener of this.listeners) {
      await this.haproxy.command(`set server ${serverName(listener, slot)} state maint`);
    }
    this.#targets[slot] = undefined;
  }

  /** The listener refuses connections until it is repaired. */
  async breakListener(port: number): Promise<void> {
    await this.haproxy.command(`disable frontend listener-${port}`);
  }

  async mendListener(port: number): Promise<void> {
    await this.haproxy.command(`enable frontend listener-${port}`);
  }

  async stop(): Promise<void> {
    await this.haproxy.stop();
  }
}

function serverName({ port }: Listener, slot: number): string {
  return `targets-${port}/t${slot}`;
}

/** Only the health checks' frequency differs from AWS: it is higher. */
function configuration(listeners: readonly Listener[], portOf: (listener: Listener) => number, pem: string): string {
  const sections = listeners.map((listener) => {
    const { port, protocol, group } = listener;
    const tls = protocol === 'TLS' ? ` ssl crt ${pem} ssl-min-ver TLSv1.2` : '';
    const proxy = group.proxyProtocol ? ' send-proxy-v2 proxy-v2-options crc32c check-send-proxy' : '';
    const thresholds = `rise ${group.healthyThreshold} fall ${group.unhealthyThreshold}`;
    return `
frontend listener-${port}
  bind 127.0.0.1:${portOf(listener)}${tls}
  # The header comes with the client's first bytes, not before.
  tcp-request inspect-delay 10s
  tcp-request content accept if { req.len gt 0 }
  default_backend targets-${port}
backend targets-${port}
  balance roundrobin
  source ${balancerAddress}
  option httpchk GET ${group.healthPath}
  default-server check inter 200ms ${thresholds}${proxy}
${Array.from({ length: TARGETS }, (_, slot) => `  server t${slot} 127.0.0.1:1 disabled`).join('\n')}
`;
  });
  return `
defaults
  mode tcp
  timeout connect 5s
  # What a network load balancer allows a flow to be silent.
  timeout client 350s
  timeout server 350s
${sections.join('')}`;
}

function listenersOf(assembly: CloudAssembly, values: TemplateValues): Listener[] {
  const groups = new Map<string, TargetGroup>();
  for (const resource of assembly.ofType('AWS::ElasticLoadBalancingV2::TargetGroup')) {
    const ref = `arn:aws:elasticloadbalancing:::targetgroup/${resource.logicalId}`;
    values.provide(resource, { ref });
    groups.set(ref, targetGroup(resource));
  }
  return assembly.ofType('AWS::ElasticLoadBalancingV2::Listener').map(({ stack, logicalId, properties }) => {
    const { Port, Protocol, DefaultActions } = properties;
    const [action] = (DefaultActions ?? []) as readonly JsonObject[];
    const group = groups.get(values.text(stack, action?.['TargetGroupArn']));
    if (group === undefined) throw new Error(`${logicalId} forwards to no target group`);
    if (Protocol !== 'TCP' && Protocol !== 'TLS') throw new Error(`${logicalId}: protocol ${String(Protocol)}`);
    return { port: Number(Port), protocol: Protocol, group };
  });
}

function targetGroup({ logicalId, properties }: TemplateResource): TargetGroup {
  const attributes = new Map(
    ((properties['TargetGroupAttributes'] ?? []) as readonly { readonly Key: string; readonly Value: Json }[]).map(
      ({ Key, Value }) => [Key, Value],
    ),
  );
  if (properties['HealthCheckProtocol'] !== 'HTTP') throw new Error(`${logicalId}: only HTTP health checks`);
  return {
    logicalId,
    port: Number(properties['Port']),
    healthPort: Number(properties['HealthCheckPort']),
    healthPath: String(properties['HealthCheckPath']),
    proxyProtocol: attributes.get('proxy_protocol_v2.enabled') === 'true',
    healthyThreshold: Number(properties['HealthyThresholdCount']),
    unhealthyThreshold: Number(properties['UnhealthyThresholdCount']),
  };
}
