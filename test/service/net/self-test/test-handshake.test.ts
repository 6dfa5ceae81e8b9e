import { expect, test } from '@jest/globals';
import { chooseTestPort } from '../../../../service/net/self-test/test-handshake';

test('test connections come from ports that the system does not choose for others', () => {
  const ports = Array.from({ length: 2_000 }, chooseTestPort);
  expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});
