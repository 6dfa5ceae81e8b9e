import { expect, test } from '@jest/globals';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { OutputTokens } from '../../../service/relay/output-tokens';
import { RelayTokens } from '../../../service/relay/relay-token';

const KEY = Buffer.alloc(32, 7);

test('a token is good for its channel, and with the same key', async () => {
  const token = await new OutputTokens(KEY).sign('news');
  expect(await new OutputTokens(KEY).verify(token, 'news')).toBe(true);
  expect(await new OutputTokens(KEY).verify(token, 'other')).toBe(false);
  expect(await new OutputTokens(Buffer.alloc(32, 8)).verify(token, 'news')).toBe(false);
  expect(await new OutputTokens(KEY).verify('', 'news')).toBe(false);
});

test("a relay's token is none, even if it is signed with the same key", async () => {
  const self = { id: 'outputs', incarnation: '' };
  const relays = new RelayTokens({ keys: new FleetKeys(), fallback: KEY, self: () => self });
  expect(await new OutputTokens(KEY).verify(await relays.sign('news', self), 'news')).toBe(false);
});
