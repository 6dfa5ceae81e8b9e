import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AddressRuleError, AddressRules, normalizeAddress } from '../../../service/addresses/address-rules';

describe('AddressRules', () => {
  test.each([
    { entry: '10.0.0.7', inside: ['10.0.0.7', '::ffff:10.0.0.7', '::FFFF:a00:7'], outside: ['10.0.0.8', '::a00:7'] },
    { entry: ' 10.1.2.3/8 ', inside: ['10.0.0.0', '10.255.255.255'], outside: ['11.0.0.0', '9.255.255.255'] },
    { entry: '192.168.4.0/23', inside: ['192.168.5.255'], outside: ['192.168.6.0', '192.168.3.255'] },
    { entry: '0.0.0.0/0', inside: ['1.2.3.4', '255.255.255.255', '::ffff:1.2.3.4'], outside: ['::1', '2001:db8::1'] },
    { entry: '2001:db8::/37', inside: ['2001:DB8:7ff::1'], outside: ['2001:db8:800::1', '10.0.0.1'] },
    { entry: '::1', inside: ['::1', '0:0:0:0:0:0:0:1'], outside: ['::2', '127.0.0.1', '0.0.0.1'] },
    { entry: '::/0', inside: ['::1', 'fe80::1%eth0'], outside: ['127.0.0.1', '::ffff:127.0.0.1'] },
    { entry: '::ffff:10.0.0.0/104', inside: ['10.9.9.9', '::ffff:10.1.1.1'], outside: ['11.0.0.1', '::1'] },
    { entry: '::ffff:10.0.0.9', inside: ['10.0.0.9'], outside: ['10.0.0.8'] },
    { entry: '*', inside: ['1.2.3.4', '::1', 'not an address'], outside: [] },
  ])('$entry', ({ entry, inside, outside }) => {
    const rules = AddressRules.parse([entry]);
    expect(rules.isEmpty).toBe(false);
    expect(inside.filter((ip) => !rules.allows(ip))).toEqual([]);
    expect(outside.filter((ip) => rules.allows(ip))).toEqual([]);
  });

  test('any entry of the list is enough, and blanks around or between commas do no harm', () => {
    const rules = AddressRules.parse('127.0.0.1 , ,2001:db8::/32'.split(','));
    expect(rules.allows('127.0.0.1')).toBe(true);
    expect(rules.allows('2001:db8::5')).toBe(true);
    expect(rules.allows('127.0.0.2')).toBe(false);
  });

  test('an empty list covers nobody and says that it is empty', () => {
    const rules = AddressRules.parse(['', ' ']);
    expect(rules.isEmpty).toBe(true);
    expect(rules.allows('127.0.0.1')).toBe(false);
  });

  test.each([
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8x',
    '10.0.0.0/-1',
    '::/129',
    '01.2.3.4',
    'host',
    'fe80::1%e0',
    '**',
    '10.0.0.0/8/8',
  ])('the entry %s is refused by name', (entry) => {
    expect(() => AddressRules.parse(['127.0.0.1', entry])).toThrow(new AddressRuleError(entry));
    expect(() => AddressRules.parse([entry])).toThrow(`"${entry}"`);
  });

  test('an IPv4 range covers exactly the addresses that share its prefix', () => {
    const uint32 = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(uint32, uint32, fc.integer({ min: 0, max: 32 }), (base, noise, prefix) => {
        const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
        const rules = AddressRules.parse([`${dotted(base)}/${prefix}`]);
        const sibling = ((base & mask) | (noise & ~mask)) >>> 0;
        expect(rules.allows(dotted(sibling))).toBe(true);
        expect(rules.allows(dotted(noise))).toBe(((noise ^ base) & mask) === 0);
      }),
    );
  });
});

describe('normalizeAddress', () => {
  test.each([
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['0:0:0:0:0:FFFF:102:304', '1.2.3.4'],
    ['1.2.3.4', '1.2.3.4'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::1', '::1'],
    ['::1.2.3.4', '::1.2.3.4'],
    ['nonsense', 'nonsense'],
    ['', ''],
  ])('%s is %s', (given, expected) => expect(normalizeAddress(given)).toBe(expected));
});

function dotted(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}
