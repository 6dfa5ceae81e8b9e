import { describe, expect, test } from '@jest/globals';
import { combinations } from './option-combinations';
import { templateOf } from './synthesize';
import type { Options } from './synthesize';
import { attributes, onlyResource, resourcesOf, text } from './template-queries';
import type { Json, JsonObject } from './template-queries';

const rtmps = combinations['TLS at the load balancer with a given certificate'];
const twoPorts =
  combinations['TLS at the load balancer, certificate made in a hosted zone, dual stack, two RTMPS ports'];

function listeners(options: Options): JsonObject[] {
  const found = resourcesOf(templateOf('Ingest', options), 'AWS::ElasticLoadBalancingV2::Listener');
  return [...found.values()].map(({ Properties = {} }) => Properties);
}

function targetGroups(options: Options): JsonObject[] {
  const found = resourcesOf(templateOf('Ingest', options), 'AWS::ElasticLoadBalancingV2::TargetGroup');
  return [...found.values()].map(({ Properties = {} }) => Properties);
}

const service = (options: Options) => onlyResource(templateOf('Ingest', options), 'AWS::ECS::Service');

describe('a live stream is not cut', () => {
  test.each([
    ['dev as it is', '60'],
    ['staging as it is', '600'],
    ['prod as it is', '3600'],
  ] as const)('by the load balancer: %s', (name, delay) => {
    const groups = targetGroups(combinations[name]);
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) {
      expect(attributes(group.TargetGroupAttributes)).toEqual({
        'deregistration_delay.timeout_seconds': delay,
        'deregistration_delay.connection_termination.enabled': 'false',
        'target_health_state.unhealthy.connection_termination.enabled': 'false',
        'target_health_state.unhealthy.draining_interval_seconds': '300',
        'proxy_protocol_v2.enabled': 'true',
        'preserve_client_ip.enabled': 'false',
      });
    }
  });

  test('by its outputs: their container may end, has memory of its own, and ends with the node', () => {
    const { ContainerDefinitions, Volumes } = onlyResource(
      templateOf('Ingest', combinations['streams recorded, packaged and forwarded']),
      'AWS::ECS::TaskDefinition',
    );
    const [node, outputs] = ContainerDefinitions as unknown as readonly JsonObject[];
    expect(node).toMatchObject({ Name: 'rtmp', Essential: true, Cpu: 384, Memory: 1536, StopTimeout: 120 });
    expect(outputs).toMatchObject({
      ...{ Name: 'outputs', Essential: false, Cpu: 128, Memory: 512, StopTimeout: 120 },
      EntryPoint: ['node', '/app/rtmp-outputs.cjs'],
      RestartPolicy: { Enabled: true, RestartAttemptPeriod: 60 },
      ...{ User: '1000:1000', ReadonlyRootFilesystem: true },
      MountPoints: [{ ContainerPath: '/spool', SourceVolume: 'spool', ReadOnly: false }],
    });
    // An order would hold the signal back from one of them.
    expect([node?.DependsOn, outputs?.DependsOn]).toEqual([undefined, undefined]);
    expect(Volumes).toEqual([{ Name: 'spool' }]);
  });

  test('by a draining task being taken for a dead one: the check asks for life, not for room', () => {
    expect(targetGroups({ env: 'prod' })).toEqual([
      expect.objectContaining({
        HealthCheckProtocol: 'HTTP',
        HealthCheckPort: '8080',
        HealthCheckPath: '/healthz',
        HealthCheckIntervalSeconds: 10,
        HealthyThresholdCount: 2,
        UnhealthyThresholdCount: 5,
        TargetType: 'ip',
        Protocol: 'TCP',
        Port: 1935,
      }),
    ]);
  });

  test('by a deploy: new tasks first, a failed one is rolled back, old ones end behind it', () => {
    expect(service({ env: 'prod' }).DeploymentConfiguration).toEqual({
      Strategy: 'ROLLING',
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      Alarms: {
        Enable: true,
        Rollback: true,
        AlarmNames: ['rtmp-prod-deploy-event-loop', 'rtmp-prod-deploy-canary-rtmp'],
      },
      EarlySuccessCriteria: { Enable: true, HealthyPercent: 100, SourceServiceRevisionCleanup: 'DEFERRED' },
    });
  });

  test('by a deploy that makes streams late or the canary fail: ECS watches alarms that are there before the service', () => {
    const template = templateOf('Ingest', { env: 'prod' });
    const [{ DependsOn }] = Object.values(template.findResources('AWS::ECS::Service')) as [{ DependsOn: string[] }];
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm');
    expect(DependsOn).toEqual(expect.arrayContaining([...alarms.keys()]));
    const names = [...alarms.values()].map(({ Properties = {} }) => Properties.AlarmName);
    const { Alarms } = service({ env: 'prod' }).DeploymentConfiguration as { Alarms: { AlarmNames: Json } };
    expect(Alarms.AlarmNames).toEqual(names);
  });

  test('a canary that comes rarely holds no deploy up', () => {
    const { Alarms } = service({ env: 'dev' }).DeploymentConfiguration as { Alarms: { AlarmNames: Json } };
    expect(Alarms.AlarmNames).toEqual(['rtmp-dev-deploy-event-loop']);
  });

  test('by a deploy that sets the number of tasks back', () => {
    expect(service({ env: 'prod' })).not.toHaveProperty('DesiredCount');
  });

  test('by the task being killed before it has said good-bye', () => {
    const { ContainerDefinitions } = onlyResource(templateOf('Ingest', { env: 'prod' }), 'AWS::ECS::TaskDefinition');
    const [container] = ContainerDefinitions as unknown as JsonObject[];
    expect(container).toMatchObject({ StopTimeout: 120 });
    expect(JSON.stringify(container?.Environment)).toContain('{"Name":"DRAIN_SECONDS","Value":"110"}');
  });
});

describe('the load balancer', () => {
  test('keeps zones apart, shifts zones on demand, and leaves a deployment that failed to be rolled back', () => {
    const { LoadBalancerAttributes, SecurityGroups } = onlyResource(
      templateOf('Ingest', { env: 'prod' }),
      'AWS::ElasticLoadBalancingV2::LoadBalancer',
    );
    expect(attributes(LoadBalancerAttributes)).toEqual({
      'load_balancing.cross_zone.enabled': 'false',
      'zonal_shift.config.enabled': 'true',
    });
    expect(SecurityGroups).toHaveLength(1);
  });

  test('leaves no zone without a task', () => {
    for (const [env, zones] of [
      ['dev', 1],
      ['staging', 2],
      ['prod', 3],
    ] as const) {
      const template = templateOf('Ingest', { env });
      const { Subnets } = onlyResource(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
      expect(Subnets).toHaveLength(zones);
      expect(onlyResource(template, 'AWS::ApplicationAutoScaling::ScalableTarget')).toMatchObject({
        MinCapacity: zones,
      });
      expect(service({ env }).AvailabilityZoneRebalancing).toBe('ENABLED');
    }
  });

  test('plain RTMP waits 350 s for a silent streamer; TLS has that time fixed and refuses the setting', () => {
    const byPort = new Map(listeners(rtmps).map((listener) => [listener.Port, listener]));
    expect([...byPort.keys()]).toEqual([1935, 443]);
    expect(byPort.get(1935)).toMatchObject({
      Protocol: 'TCP',
      ListenerAttributes: [{ Key: 'tcp.idle_timeout.seconds', Value: '350' }],
    });
    expect(byPort.get(443)).toMatchObject({
      Protocol: 'TLS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-2021-06',
      AlpnPolicy: ['None'],
      Certificates: [{ CertificateArn: rtmps.certificateArn }],
    });
    expect(byPort.get(443)).not.toHaveProperty('ListenerAttributes');
  });

  test('several RTMPS ports, a certificate of its own, names for both address families', () => {
    expect(listeners(twoPorts).map(({ Port, Protocol }) => `${text(Protocol)} ${text(Port)}`)).toEqual([
      'TCP 1935',
      'TLS 443',
      'TLS 1936',
    ]);
    const template = templateOf('Ingest', twoPorts);
    expect(onlyResource(template, 'AWS::CertificateManager::Certificate')).toMatchObject({
      DomainName: 'live.example.com',
      DomainValidationOptions: [{ DomainName: 'live.example.com', HostedZoneId: 'Z0123456789ABCDEFGHIJ' }],
    });
    const records = [...resourcesOf(template, 'AWS::Route53::RecordSet').values()];
    expect(records.map(({ Properties = {} }) => Properties.Type)).toEqual(['A', 'AAAA']);
    expect(onlyResource(template, 'AWS::S3::Bucket')).toMatchObject({
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    });
  });

  test('passes TLS on untouched when the service ends it', () => {
    const options = combinations['TLS in the service'];
    expect(listeners(options)).toContainEqual(expect.objectContaining({ Port: 443, Protocol: 'TCP' }));
    expect(targetGroups(options).map(({ Port }) => Port)).toEqual([1935, 8443]);
    expect(service(options).LoadBalancers).toEqual([
      expect.objectContaining({ ContainerPort: 1935 }),
      expect.objectContaining({ ContainerPort: 8443 }),
    ]);
  });

  test('has no plain port when RTMPS is all that is wanted', () => {
    expect(listeners(combinations['RTMPS only']).map(({ Port }) => Port)).toEqual([443]);
  });
});

describe('blue/green', () => {
  const options = combinations['blue/green with TLS'];

  test('keeps a second group for each listener, without traffic until ECS moves it', () => {
    expect(targetGroups(options)).toHaveLength(4);
    for (const { DefaultActions } of listeners(options)) {
      const [action] = DefaultActions as unknown as { ForwardConfig: { TargetGroups: { Weight: Json }[] } }[];
      expect(action?.ForwardConfig.TargetGroups.map(({ Weight }) => Weight)).toEqual([100, 0]);
    }
    expect(service(options).LoadBalancers).toEqual([
      expect.objectContaining({ ContainerPort: 1935, AdvancedConfiguration: expect.anything() }),
      expect.objectContaining({ ContainerPort: 1935, AdvancedConfiguration: expect.anything() }),
    ]);
  });

  test("bakes for hours and has neither of the rolling deploy's switches", () => {
    const { DeploymentConfiguration } = service(options);
    expect(DeploymentConfiguration).toMatchObject({ Strategy: 'BLUE_GREEN', BakeTimeInMinutes: 720 });
    expect(DeploymentConfiguration).not.toHaveProperty('EarlySuccessCriteria');
    expect(DeploymentConfiguration).not.toHaveProperty('DeploymentCircuitBreaker');
  });
});
