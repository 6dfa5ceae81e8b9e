import { describe, expect, test } from '@jest/globals';
import { AddressRules } from '../../../service/net/address-rules';
import { ConnectionLimits } from '../../../service/net/connection-limits';

const HOME = '192.0.2.1';

function limits(max: number, ...exempt: string[]): ConnectionLimits {
  return new ConnectionLimits(max, AddressRules.parse(exempt));
}

describe('connections per address', () => {
  test('as many as allowed, other addresses apart', () => {
    const four = limits(4);
    expect([1, 2, 3, 4, 5].map(() => four.acquire(HOME))).toEqual([true, true, true, true, false]);
    expect(four.acquire('192.0.2.2')).toBe(true);
    expect(four.acquire('2001:db8::1')).toBe(true);
  });

  test('a place given back can be taken again', () => {
    const one = limits(1);
    one.acquire(HOME);
    one.release(HOME);
    expect([one.acquire(HOME), one.acquire(HOME)]).toEqual([true, false]);
  });

  test('a refusal takes no place', () => {
    const two = limits(2);
    for (let i = 0; i < 10; i += 1) two.acquire(HOME);
    two.release(HOME);
    expect([two.acquire(HOME), two.acquire(HOME)]).toEqual([true, false]);
  });

  test('exempt addresses and other nodes have no limit; the others keep theirs', () => {
    const one = limits(1, '10.0.0.0/8', '2001:db8::/32');
    for (const address of ['10.1.2.3', '2001:db8::1']) {
      expect([1, 2, 3].map(() => one.acquire(address))).toEqual([true, true, true]);
    }
    expect([one.acquire(HOME), one.acquire(HOME), one.acquire(HOME, true)]).toEqual([true, false, true]);
  });

  test('an exempt list of * is no limit at all', () => {
    const none = limits(0, '*');
    expect([1, 2, 3].map(() => none.acquire(HOME))).toEqual([true, true, true]);
  });
});
