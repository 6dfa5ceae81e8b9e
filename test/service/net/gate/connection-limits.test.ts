import { describe, expect, test } from '@jest/globals';
import { AddressRules } from '../../../../service/addresses/address-rules';
import { ConnectionLimits } from '../../../../service/net/gate/connection-limits';

const HOME = '192.0.2.1';
let nowMs = 0;

function limits(maxPerAddress: number, ...exempt: string[]): ConnectionLimits {
  return new ConnectionLimits({
    maxPerAddress,
    maxPerSecond: 20,
    exempt: AddressRules.parse(exempt),
    now: () => nowMs,
  });
}

describe('connections per client', () => {
  test('as many as allowed, other addresses apart', () => {
    const four = limits(4);
    expect([1, 2, 3, 4, 5].map(() => four.acquire(HOME))).toEqual([true, true, true, true, false]);
    expect(four.acquire('192.0.2.2')).toBe(true);
    expect(four.acquire('2001:db8::1')).toBe(true);
  });

  test('all addresses of an IPv6 network are one client', () => {
    const four = limits(4);
    const taken = Array.from({ length: 1_000 }, (_, i) => four.acquire(`2001:db8:0:7::${i.toString(16)}`));
    expect(taken.filter(Boolean)).toHaveLength(4);
    expect(four.acquire('2001:db8:0:8::1')).toBe(true);
    four.release('2001:db8:0:7::2');
    expect(four.acquire('2001:db8:0:7::ffff')).toBe(true);
  });

  test('an exempt address takes no places from the others of its network', () => {
    const two = limits(2, '2001:db8::1');
    for (let i = 0; i < 6; i += 1) expect(two.acquire('2001:db8::1')).toBe(true);
    expect([two.acquire('2001:db8::2'), two.acquire('2001:db8::3'), two.acquire('2001:db8::2')]).toEqual([
      true,
      true,
      false,
    ]);
    for (let i = 0; i < 6; i += 1) two.release('2001:db8::1');
    two.release('2001:db8::2');
    expect(two.acquire('2001:db8::4')).toBe(true);
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

describe('connections a second', () => {
  /** Opens and closes connections as fast as possible; returns how many were accepted. */
  function opened(places: ConnectionLimits, tries: number, address = HOME): number {
    let count = 0;
    for (let i = 0; i < tries; i += 1) {
      if (!places.acquire(address)) continue;
      count += 1;
      places.release(address);
    }
    return count;
  }

  test("some seconds' worth may come at once, then as many a second as allowed", () => {
    const places = limits(4);
    expect(opened(places, 1_000)).toBe(60);
    nowMs += 1_000;
    expect(opened(places, 1_000)).toBe(20);
    nowMs += 3_600_000;
    expect(opened(places, 1_000)).toBe(60);
  });

  test('others and exempt addresses are not held back by it', () => {
    const places = limits(4, '198.51.100.0/24');
    opened(places, 1_000);
    expect(opened(places, 10, '192.0.2.2')).toBe(10);
    expect(opened(places, 1_000, '198.51.100.7')).toBe(1_000);
  });

  test('clients that have gone are forgotten, not those that are here or were just held back', () => {
    const places = limits(4);
    opened(places, 1_000);
    places.acquire('192.0.2.9');
    for (let i = 0; i < 30_000; i += 1) {
      nowMs += 1;
      opened(places, 1, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    }
    expect(places.knownClients).toBeLessThan(15_000);
    expect([1, 2, 3, 4].map(() => places.acquire('192.0.2.9'))).toEqual([true, true, true, false]);
  });
});
