import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressMatches, policyFault, type PolicyField } from '../../../lambdas/shared/channel-policy';

describe('addressMatches', () => {
  test.each<[readonly string[], string | undefined, boolean]>([
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['192.0.2.0/24', '2001:db8::/32'], '2001:db8:ffff::1', true],
    [['192.0.2.0/24'], '::ffff:192.0.2.9', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [['192.0.2.0/24'], 'not an address', false],
    [['192.0.2.0/24'], undefined, false],
    [[], '192.0.2.7', false],
  ])('%j, %s: %s', (rules, address, expected) => {
    expect(addressMatches(rules, address)).toBe(expected);
  });

  test('agrees with arithmetic for every IPv4 network and address', () => {
    const ipv4 = fc.integer({ min: 0, max: 0xffffffff });
    const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
    fc.assert(
      fc.property(ipv4, ipv4, fc.integer({ min: 0, max: 32 }), (network, address, prefix) => {
        const inside = prefix === 0 || network >>> (32 - prefix) === address >>> (32 - prefix);
        expect(addressMatches([`${dotted(network)}/${prefix}`], dotted(address))).toBe(inside);
      }),
    );
  });
});

describe('policyFault', () => {
  test.each<[PolicyField, unknown]>([
    ['whenBusy', 'reject'],
    ['allowedCidrs', ['192.0.2.1', '10.0.0.0/8', '2001:db8::/32']],
    ['allowedCidrs', []],
    ['notBefore', 1_800_000_000],
    ['playKey', 'viewers'],
    ['maxDurationSeconds', 1],
    ['maxBitrateKbps', 6000],
    ['forward', ['rtmp://host/app/key']],
    ['forward', []],
    ['record', 'flv,mp4'],
    ['record', 'no'],
    ['hls', false],
  ])('takes %s %j', (field, value) => {
    expect(policyFault(field, value)).toBeUndefined();
  });

  test.each<[PolicyField, unknown]>([
    ['whenBusy', 'YES'],
    ['forward', 'rtmp://host/app/key'],
    ['forward', ['http://host/app/key']],
    ['record', 'mkv'],
    ['record', true],
    ['hls', 'yes'],
    ['allowedCidrs', '192.0.2.1'],
    ['allowedCidrs', ['192.0.2.1/33']],
    ['allowedCidrs', ['192.0.2.1/24/8']],
    ['allowedCidrs', ['2001:db8::/129']],
    ['allowedCidrs', ['example.com']],
    ['allowedCidrs', Array.from({ length: 101 }, () => '192.0.2.1')],
    ['notAfter', '2027-01-01'],
    ['notAfter', 1_800_000_000.5],
    ['playKey', 'with space'],
    ['playKey', ''],
    ['maxDurationSeconds', 0],
    ['maxBitrateKbps', null],
  ])('refuses %s %j and says what is allowed', (field, value) => {
    expect(policyFault(field, value)).toMatch(new RegExp(`^${field} must be `));
  });
});
