import { expect, test } from '@jest/globals';
import { addressGroup } from '../../../service/addresses/address-group';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
  ['2001:DB8:0:1::1', '2001:db8:0:1::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8:0:0:ffff::', '2001:db8:0:0::/64'],
  ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
  ['1:2:3::', '1:2:3:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['::192.0.2.7', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
  ['unknown', 'unknown'],
])('%s is counted as %s', (address, group) => {
  expect(addressGroup(address)).toBe(group);
});

test('addresses of one /64 are one group, those of two are two', () => {
  const groups = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::', '2001:db8:1:3::1'].map(addressGroup);
  expect(new Set(groups).size).toBe(2);
  expect(groups[0]).toBe(groups[1]);
});

test('IPv4 clients behind a NAT64 translator are counted one by one', () => {
  expect(addressGroup('64:ff9b::c000:201')).not.toBe(addressGroup('64:ff9b::c000:202'));
});
