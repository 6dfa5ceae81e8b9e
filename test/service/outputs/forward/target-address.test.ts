import { describe, expect, test } from '@jest/globals';
import type { lookup, LookupAddress } from 'node:dns';
import { connect } from 'node:net';
import { once } from 'node:events';
import { AddressRules } from '../../../../service/addresses/address-rules';
import { checkedLookup, isAllowedTarget, isOwnPlace } from '../../../../service/outputs/forward/target-address';
import { RtmpTarget } from '../../../support/servers/rtmp-target';
import { testForward } from './forward-rig';

const nothing = AddressRules.parse([]);

describe('addresses', () => {
  test.each([
    ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1', '169.254.169.254', '224.0.0.1'],
    ...['255.255.255.255', '198.18.0.1', '192.0.0.8'],
    ...[
      '::',
      '::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      'fec0::1',
      '2001:db8::1',
      '2001::1',
    ],
    // The same IPv4 addresses inside of IPv6: mapped, compatible, NAT64, NAT64 of a local network, 6to4
    ...[
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:a9fe:a9fe',
      '::127.0.0.1',
      '64:ff9b::127.0.0.1',
      '64:ff9b::a9fe:a9fe',
    ],
    ...['64:ff9b:1::1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:0a01:0203::1'],
    // Given to nobody, dummies, IPv4-translated
    ...['4000::1', '200:1::', '100:0:0:1::5', '::ffff:0:127.0.0.1', '5f00::1'],
    'no address',
  ])('%s is refused', (address) => {
    expect(isAllowedTarget(address, nothing)).toBe(false);
  });

  test.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ])('%s is allowed', (address) => {
    expect(isAllowedTarget(address, nothing)).toBe(true);
  });

  test('FORWARD_ALLOW permits, in every form of the address', () => {
    const allow = AddressRules.parse(['10.1.0.0/16', 'fd00::/8']);
    expect(isAllowedTarget('10.1.2.3', allow)).toBe(true);
    expect(isAllowedTarget('::ffff:10.1.2.3', allow)).toBe(true);
    expect(isAllowedTarget('64:ff9b::10.1.2.3', allow)).toBe(true);
    expect(isAllowedTarget('10.2.2.3', allow)).toBe(false);
    expect(isAllowedTarget('fd12::1', allow)).toBe(true);
  });
});

describe('names', () => {
  const answering = (...addresses: LookupAddress[]): typeof lookup =>
    ((_host: string, _options: object, done: (error: null, all: LookupAddress[]) => void) =>
      done(null, addresses)) as unknown as typeof lookup;

  test('the connection uses the address that was checked, and none that is refused', async () => {
    const target = await RtmpTarget.start();
    // A name that means a public address first and another when it is asked again: it is asked once.
    let asked = 0;
    const rebinding = ((...args: Parameters<ReturnType<typeof answering>>) => {
      asked += 1;
      const address = asked === 1 ? '127.0.0.1' : '10.0.0.1';
      (answering({ address, family: 4 }) as (...all: unknown[]) => void)(...args);
    }) as unknown as typeof lookup;
    const rules = { allow: AddressRules.parse(['127.0.0.1']) };
    const socket = connect({
      host: 'name.test',
      port: target.port,
      lookup: checkedLookup(rules, target.port, rebinding),
    });
    await once(socket, 'connect');
    expect(socket.remoteAddress).toBe('127.0.0.1');
    expect(asked).toBe(1);
    socket.destroy();
  });

  test.each([true, false])('addresses that are refused are left out (all: %s)', async (all) => {
    const rules = { allow: nothing };
    const lookUp = answering({ address: '10.0.0.1', family: 4 }, { address: '8.8.8.8', family: 4 });
    const found = await new Promise((resolve, reject) => {
      checkedLookup(rules, 1935, lookUp)('name.test', { all }, (error, address) => {
        if (error === null) resolve(address);
        else reject(error);
      });
    });
    expect(found).toEqual(all ? [{ address: '8.8.8.8', family: 4 }] : '8.8.8.8');
  });

  test('a name with refused addresses alone fails', async () => {
    const lookUp = answering({ address: '169.254.169.254', family: 4 });
    const socket = connect({ host: 'name.test', port: 1, lookup: checkedLookup({ allow: nothing }, 1, lookUp) });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.name).toBe('ForbiddenTargetError');
  });
});

describe('a forward', () => {
  test.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '127.1', '2130706433', '0x7f.1'])(
    'to %s needs FORWARD_ALLOW',
    async (host) => {
      const target = await RtmpTarget.start();
      const forward = testForward(`rtmp://${host}:${target.port}/app/key`, { allow: [] });
      await forward.reaches('failed');
      expect(forward.status().reason).toBe('the address is private or local; FORWARD_ALLOW does not contain it');
      expect(target.sessions).toHaveLength(0);
    },
  );

  test('to the node itself is refused', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url(), { isOwn: isOwnPlace([target.port]) });
    await forward.reaches('failed');
    expect(forward.status().reason).toBe('the address is this node itself');
    expect(isOwnPlace([1935])('8.8.8.8', 1935)).toBe(false);
    expect(isOwnPlace([1935])('127.0.0.1', 1936)).toBe(false);
  });
});
