import { describe, expect, test } from '@jest/globals';
import type { Listener } from './ingest/load-balancer';
import { refuseClosedPorts, refuseUnknownVariables, withoutOwnNetwork } from './ingest/task-definition';
import { outputKey, TemplateValues, type Json } from './synthesis/template-values';

const home = { region: 'eu-west-1', account: '123456789012' };

describe('a variable of a template', () => {
  const values = new TemplateValues(new Map([[outputKey('Net', 'HostName'), { Ref: 'Host' }]]), home);
  values.provide({ stack: 'Net', logicalId: 'Host' }, { ref: 'host-1', attributes: { 'Endpoint.Address': 'h.local' } });

  test.each<[Json, string]>([
    [{ 'Fn::GetStackOutput': { StackName: 'Net', OutputName: 'HostName' } }, 'host-1'],
    [
      { 'Fn::Join': ['', ['https://', { 'Fn::GetAtt': ['Host', 'Endpoint.Address'] }, '/', { Ref: 'AWS::Region' }]] },
      'https://h.local/eu-west-1',
    ],
    [{ 'Fn::Select': [1, { 'Fn::Split': [':', 'Z1:h.local'] }] }, 'h.local'],
    [{ 'Fn::Sub': '${AWS::AccountId}.${Host}.${Host.Endpoint.Address}' }, '123456789012.host-1.h.local'],
    [443, '443'],
  ])('%j is resolved', (value, expected) => {
    expect(values.text('Net', value)).toBe(expected);
  });

  test.each<[Json, RegExp]>([
    [{ Ref: 'Hots' }, /Net\/Hots, which does not exist/],
    [{ 'Fn::GetAtt': ['Host', 'Endpoint.Port'] }, /Net\/Host\.Endpoint\.Port, which does not exist/],
    [{ 'Fn::GetStackOutput': { StackName: 'Net', OutputName: 'Hots' } }, /Net has no output Hots/],
    [{ 'Fn::Cidr': ['10.0.0.0/8', 2, 8] }, /Fn::Cidr is not supported/],
    [{ 'Fn::Select': [2, { 'Fn::Split': [':', 'Z1:h.local'] }] }, /Fn::Select/],
  ])('%j is an error', (value, message) => {
    expect(() => values.text('Net', value)).toThrow(message);
  });
});

describe('the variables of a task definition', () => {
  const variables = { RTMP_PORT: '1935', HTTP_PORT: '8080', PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '10.42.0.0/24' };

  test('are refused when the service does not know one, or cannot use it', () => {
    refuseUnknownVariables(variables, {});
    expect(() => refuseUnknownVariables({ ...variables, RTMP_PROT: '1935' }, {})).toThrow(/know: RTMP_PROT$/);
    expect(() => refuseUnknownVariables({ ...variables, RTMP_PORT: '99999' }, {})).toThrow(/RTMP_PORT/);
    const alias = { PLAY_ALLOWED_FROM: '10.0.0.0/8' };
    expect(() => refuseUnknownVariables({ ...variables, ...alias }, {})).toThrow(/not content.*PLAY_ALLOWED_FROM/);
  });

  test('are refused when the load balancer leads to another port, or comes from another address', () => {
    const group = { port: 1935, healthPort: 8080 } as Listener['group'];
    const definition = { variables, ports: [1935, 8080] } as unknown as Parameters<typeof refuseClosedPorts>[0];
    const listener = (changes: object): Listener[] => [{ port: 443, protocol: 'TLS', group: { ...group, ...changes } }];
    refuseClosedPorts(definition, listener({}));
    expect(() => refuseClosedPorts(definition, listener({ port: 1936 }))).toThrow(/port 1936.*no streams there/);
    expect(() => refuseClosedPorts(definition, listener({ healthPort: 80 }))).toThrow(/HTTP_PORT is another/);
    expect(() => refuseClosedPorts({ ...definition, ports: [1935] }, listener({}))).toThrow(/not mapped/);
    expect(withoutOwnNetwork(variables, ['10.42.0.0/24'])['PROXY_TRUSTED']).toMatch(/^127\./);
    expect(() => withoutOwnNetwork(variables, ['10.42.1.0/24'])).toThrow(/the load balancer is in 10\.42\.1\.0/);
  });
});
