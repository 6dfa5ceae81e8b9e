import { describe, expect, test } from '@jest/globals';
import type { Template } from 'aws-cdk-lib/assertions';
import { combinations, table } from './option-combinations';
import { synthesize } from './synthesize';
import type { Options } from './synthesize';
import { containerEnvironment, referred, resourcesOf, text } from './template-queries';
import type { Json, JsonObject } from './template-queries';

/** `who -> whom:port` for every rule of every security group of a deployment, in and out. */
function edges(options: Options): string[] {
  return [...synthesize(options).templates.values()]
    .flatMap((template) => [...inlineRules(template), ...separateRules(template)])
    .sort();
}

function inlineRules(template: Template): string[] {
  return [...resourcesOf(template, 'AWS::EC2::SecurityGroup')].flatMap(([id, { Properties: properties = {} }]) => {
    const group = referred({ Ref: id });
    const rules = (list: Json | undefined) => (list ?? []) as readonly JsonObject[];
    return [
      ...rules(properties.SecurityGroupIngress).map((rule) => `${peer(rule)} -> ${group}:${ports(rule)}`),
      ...rules(properties.SecurityGroupEgress)
        .filter((rule) => rule.CidrIp !== '255.255.255.255/32')
        .map((rule) => `${group} -> ${peer(rule)}:${ports(rule)}`),
    ];
  });
}

function separateRules(template: Template): string[] {
  const ingress = [...resourcesOf(template, 'AWS::EC2::SecurityGroupIngress').values()].map(
    ({ Properties: rule = {} }) =>
      `${referred(rule.SourceSecurityGroupId)} -> ${referred(rule.GroupId)}:${ports(rule)}`,
  );
  const egress = [...resourcesOf(template, 'AWS::EC2::SecurityGroupEgress').values()].map(
    ({ Properties: rule = {} }) =>
      `${referred(rule.GroupId)} -> ${referred(rule.DestinationSecurityGroupId)}:${ports(rule)}`,
  );
  return [...new Set([...ingress, ...egress])];
}

function peer(rule: JsonObject): string {
  return referred(rule.CidrIp ?? rule.CidrIpv6 ?? rule.SourceSecurityGroupId);
}

function ports(rule: JsonObject): string {
  if (rule.IpProtocol !== 'tcp') return text(rule.IpProtocol);
  return rule.FromPort === rule.ToPort ? text(rule.FromPort) : `${text(rule.FromPort)}-${text(rule.ToPort)}`;
}

describe('who can reach whom', () => {
  test('dev: streamers the balancer, the balancer the tasks, tasks and operator the cache, nobody else anything', () => {
    expect(edges(combinations['dev as it is'])).toEqual([
      '0.0.0.0/0 -> IngestSecurityGroup:1935',
      'IngestSecurityGroup -> RtmpSecurityGroup:1935',
      'IngestSecurityGroup -> RtmpSecurityGroup:8080',
      'OperatorSecurityGroup -> 0.0.0.0/0:443',
      'OperatorSecurityGroup -> CacheSecurityGroup:6379',
      'OperatorSecurityGroup -> OperatorSecretsEndpointSecurityGroup:443',
      'RtmpSecurityGroup -> 0.0.0.0/0:443',
      'RtmpSecurityGroup -> ::/0:443',
      'RtmpSecurityGroup -> CacheSecurityGroup:6379',
      'RtmpSecurityGroup -> RtmpSecurityGroup:1935',
      'RtmpSecurityGroup -> RtmpSecurityGroup:8080',
    ]);
  });

  test('without a way out: AWS APIs by PrivateLink from inside the VPC, and the callback on its own port', () => {
    expect(edges(combinations['no way out, callback inside the VPC'])).toEqual([
      '0.0.0.0/0 -> IngestSecurityGroup:1935',
      '10.42.0.0/16 -> NetworkEndpointsSecurityGroup:443',
      'IngestSecurityGroup -> RtmpSecurityGroup:1935',
      'IngestSecurityGroup -> RtmpSecurityGroup:8080',
      'OperatorSecurityGroup -> 0.0.0.0/0:443',
      'OperatorSecurityGroup -> CacheSecurityGroup:6379',
      'RtmpSecurityGroup -> 0.0.0.0/0:443',
      'RtmpSecurityGroup -> 0.0.0.0/0:8000',
      'RtmpSecurityGroup -> ::/0:443',
      'RtmpSecurityGroup -> ::/0:8000',
      'RtmpSecurityGroup -> CacheSecurityGroup:6379',
      'RtmpSecurityGroup -> RtmpSecurityGroup:1935',
      'RtmpSecurityGroup -> RtmpSecurityGroup:8080',
    ]);
  });

  test('TLS in the service: the balancer reaches one port more', () => {
    expect(edges(combinations['TLS in the service'])).toContain('IngestSecurityGroup -> RtmpSecurityGroup:8443');
  });

  test('transcoders pull from the tasks, without the header that the load balancer sends', () => {
    const options = combinations['transcoders beside the tasks'];
    const rules = edges(options);
    expect(rules).toContain('sg-0123456789abcdef0 -> RtmpSecurityGroup:1935');
    expect(rules).toContain('10.42.64.0/20 -> RtmpSecurityGroup:1935');
    const environment = containerEnvironment(ingest(options));
    const inner = ['10.42.4.0/22', '10.42.8.0/22', '10.42.12.0/22', '10.42.16.0/24', '10.42.17.0/24', '10.42.18.0/24'];
    expect(environment.PROXY_DIRECT).toBe(['10.42.64.0/20', ...inner].join(','));
    expect(containerEnvironment(ingest({ env: 'prod' }))).not.toHaveProperty('PROXY_DIRECT');
  });

  test('with outputs, tasks reach RTMP everywhere, and the own networks that the options name', () => {
    const options = { env: 'staging', memoryMiB: '2048' };
    const before = new Set(edges(options));
    expect(
      edges({ ...options, outputs: 'true', forwardAllow: '10.20.0.0/16' }).filter((edge) => !before.has(edge)),
    ).toEqual([
      'RtmpSecurityGroup -> 0.0.0.0/0:1935',
      'RtmpSecurityGroup -> 10.20.0.0/16:0-65535',
      'RtmpSecurityGroup -> ::/0:1935',
    ]);
  });

  test('without a way out, recordings get to S3 by the route of its gateway endpoint', () => {
    const options = { ...combinations['no way out, callback inside the VPC'], outputs: 'true', recordBucket: 'create' };
    const network = synthesize(options).templates.get('Network');
    const endpoints = [...resourcesOf(network!, 'AWS::EC2::VPCEndpoint').values()].map(
      ({ Properties = {} }) => Properties,
    );
    const s3 = endpoints.find(({ ServiceName }) => referred(ServiceName).endsWith('.s3'));
    expect(s3).toMatchObject({ VpcEndpointType: 'Gateway' });
    expect(edges(options)).toContain('RtmpSecurityGroup -> 0.0.0.0/0:443');
  });

  test('an existing cache is opened on its own port', () => {
    const rules = edges(combinations['an existing cache']);
    expect(rules).toContain('RtmpSecurityGroup -> sg-0123456789abcdef0:6380');
    expect(rules).toContain('OperatorSecurityGroup -> sg-0123456789abcdef0:6380');
  });

  const worldOpen = (options: Options) =>
    edges(options).filter((edge) => edge.startsWith('0.0.0.0/0 ->') || edge.startsWith('::/0 ->'));

  const different = table(
    'dev as it is',
    'RTMPS only',
    'TLS in the service',
    'blue/green with TLS',
    'public addresses in prod',
    'no way out, callback inside the VPC',
    'an existing VPC',
  );
  test.each(different)('%s: the world reaches the listeners and nothing else', (_, options) => {
    const listeners = [...resourcesOf(ingest(options), 'AWS::ElasticLoadBalancingV2::Listener').values()];
    const allowed = listeners.flatMap(({ Properties: listener = {} }) =>
      ['0.0.0.0/0', '::/0'].map((world) => `${world} -> IngestSecurityGroup:${text(listener.Port)}`),
    );
    for (const edge of worldOpen(options)) expect(allowed).toContain(edge);
  });

  test('named networks may stream, the world may not', () => {
    const rules = edges(combinations['everything optional off']);
    expect(worldOpen(combinations['everything optional off'])).toEqual([]);
    expect(rules).toContain('198.51.100.0/24 -> IngestSecurityGroup:1935');
    expect(rules).toContain('2001:db8::/32 -> IngestSecurityGroup:1935');
  });

  test('dual stack lets IPv6 streamers in', () => {
    const name = 'TLS at the load balancer, certificate made in a hosted zone, dual stack, two RTMPS ports';
    expect(worldOpen(combinations[name])).toEqual([
      '0.0.0.0/0 -> IngestSecurityGroup:1935',
      '0.0.0.0/0 -> IngestSecurityGroup:1936',
      '0.0.0.0/0 -> IngestSecurityGroup:443',
      '::/0 -> IngestSecurityGroup:1935',
      '::/0 -> IngestSecurityGroup:1936',
      '::/0 -> IngestSecurityGroup:443',
    ]);
  });
});

function ingest(options: Options): Template {
  const template = synthesize(options).templates.get('Ingest');
  if (template === undefined) throw new Error('no Ingest stack');
  return template;
}

describe('addresses', () => {
  test('tasks have a public address only where that is their way out', () => {
    const assign = (options: Options) =>
      [...resourcesOf(ingest(options), 'AWS::ECS::Service').values()].map(
        ({ Properties: service = {} }) =>
          ((service.NetworkConfiguration as JsonObject).AwsvpcConfiguration as JsonObject).AssignPublicIp,
      );
    expect(assign({ env: 'dev' })).toEqual(['ENABLED']);
    expect(assign({ env: 'prod' })).toEqual(['DISABLED']);
  });

  test("a PROXY header is believed from the balancer's subnets alone, where no task lives", () => {
    const network = synthesize({ env: 'prod', egress: 'public-ip' }).templates.get('Network');
    if (network === undefined) throw new Error('no Network stack');
    const cidrs = [...resourcesOf(network, 'AWS::EC2::Subnet')]
      .filter(([id]) => id.includes('ingress'))
      .map(([, { Properties: subnet = {} }]) => text(subnet.CidrBlock));
    const environment = JSON.stringify(ingest({ env: 'prod', egress: 'public-ip' }).toJSON());
    expect(environment).toContain(`"PROXY_TRUSTED","Value":"${cidrs.join(',')}"`);
  });
});
