import type { ProxyHeader } from '../../service/net/proxy/proxy-header';

export interface ProxyHeaderVector {
  readonly name: string;
  /** Where the bytes come from. */
  readonly source: string;
  readonly hex: string;
  readonly header: ProxyHeader;
}

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const layout = (section: string): string => `put together from the layout in proxy-protocol.txt of HAProxy, ${section}`;
const line = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

export const proxyHeaderV2Vectors: readonly ProxyHeaderVector[] = [
  {
    name: 'health check of an AWS Network Load Balancer: LOCAL with a family, no addresses, checksum and padding',
    source: 'captured in kubernetes/kubernetes#57250',
    hex: `${SIGNATURE} 20 11 0054 03 0004 bce5951f 04 004a ${'00'.repeat(74)}`,
    header: { command: 'local' },
  },
  {
    name: 'client of an AWS Network Load Balancer through PrivateLink',
    source:
      'aws/elastic-load-balancing-tools, proprot, Compatibility_AwsNetworkLoadBalancerTest.java (bytes of a real one)',
    hex:
      `${SIGNATURE} 21 11 0054 ac1f0771 ac1f0a1f c8f2 0050 03 0004 e8d6892d ` +
      `ea 0017 01 767063652d3038643262663135666163353030316339 04 0024 ${'00'.repeat(36)}`,
    header: {
      command: 'proxy',
      source: { address: '172.31.7.113', port: 51442 },
      destination: { address: '172.31.10.31', port: 80 },
      vpcEndpointId: 'vpce-08d2bf15fac5001c9',
    },
  },
  {
    name: 'LOCAL without anything',
    source: layout('2.2'),
    hex: `${SIGNATURE} 20 00 0000`,
    header: { command: 'local' },
  },
  {
    name: 'LOCAL whose content would be malformed if it were read',
    source: layout('2.2'),
    hex: `${SIGNATURE} 20 ff 0003 03ffff`,
    header: { command: 'local' },
  },
  {
    name: 'TCP over IPv4',
    source: layout('2.2'),
    hex: `${SIGNATURE} 21 11 000c c0000201 c6336401 dc04 078f`,
    header: {
      command: 'proxy',
      source: { address: '192.0.2.1', port: 56324 },
      destination: { address: '198.51.100.1', port: 1935 },
    },
  },
  {
    name: 'TCP over IPv6',
    source: layout('2.2'),
    hex: `${SIGNATURE} 21 21 0024 20010db8000000000000000000000001 20010db800000001000000000000beef 0001 01bb`,
    header: {
      command: 'proxy',
      source: { address: '2001:db8::1', port: 1 },
      destination: { address: '2001:db8:0:1::beef', port: 443 },
    },
  },
  {
    name: 'TCP over IPv6 with IPv4-mapped addresses',
    source: layout('2.2'),
    hex: `${SIGNATURE} 21 21 0024 00000000000000000000ffffc0000201 00000000000000000000ffffc6336401 0001 078f`,
    header: {
      command: 'proxy',
      source: { address: '192.0.2.1', port: 1 },
      destination: { address: '198.51.100.1', port: 1935 },
    },
  },
  {
    name: 'unknown family with extensions: TLS with a version as sub-extension, an unknown one, padding of no bytes',
    source: layout('2.2.4 and 2.2.6'),
    hex: `${SIGNATURE} 21 00 0018 20 000f 01 00000000 21 0007 544c5376312e33 05 0000 04 0000`,
    header: { command: 'proxy', tls: true },
  },
  {
    name: 'SSL extension that says the client did not use TLS',
    source: layout('2.2.6'),
    hex: `${SIGNATURE} 21 11 0014 c0000201 c6336401 dc04 078f 20 0005 00 00000001`,
    header: {
      command: 'proxy',
      source: { address: '192.0.2.1', port: 56324 },
      destination: { address: '198.51.100.1', port: 1935 },
      tls: false,
    },
  },
  {
    name: 'AWS extension of another kind',
    source: layout('2.2') + ' and the AWS documentation of type 0xEA',
    hex: `${SIGNATURE} 21 00 0005 ea 0002 02 00`,
    header: { command: 'proxy' },
  },
  {
    name: 'UNIX socket: valid, its addresses of no use',
    source: layout('2.2'),
    hex: `${SIGNATURE} 21 31 0004 00000000`,
    header: { command: 'proxy' },
  },
];

export const proxyHeaderV1Vectors: readonly ProxyHeaderVector[] = [
  {
    name: 'TCP4',
    source: layout('2.1'),
    hex: line('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n'),
    header: {
      command: 'proxy',
      source: { address: '192.168.0.1', port: 56324 },
      destination: { address: '192.168.0.11', port: 443 },
    },
  },
  {
    name: 'TCP6, in capitals and in full',
    source: layout('2.1'),
    hex: line('PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:000A ::FFFF:192.0.2.7 0 65535\r\n'),
    header: {
      command: 'proxy',
      source: { address: '2001:db8::a', port: 0 },
      destination: { address: '192.0.2.7', port: 65535 },
    },
  },
  {
    name: 'TCP6, the longest line',
    source: layout('2.1'),
    hex: line(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    header: {
      command: 'proxy',
      source: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65535 },
      destination: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65535 },
    },
  },
  { name: 'UNKNOWN', source: layout('2.1'), hex: line('PROXY UNKNOWN\r\n'), header: { command: 'proxy' } },
  {
    name: 'UNKNOWN with a rest, 107 bytes',
    source: layout('2.1'),
    hex: line(`PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    header: { command: 'proxy' },
  },
];
