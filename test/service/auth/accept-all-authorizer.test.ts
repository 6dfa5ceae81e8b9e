import { expect, test } from '@jest/globals';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';

test('without a callback everybody may publish and nothing is left to send', async () => {
  const due = Array.from({ length: 250 }, (_, at) => ({
    ...{ channel: 'c', key: 'k', clientIp: '192.0.2.1', query: '', streamId: '' },
    jti: `stop-${at}`,
  }));
  const done: string[] = [];
  const authorizer = new AcceptAllAuthorizer({
    pull: (max) => Promise.resolve(due.splice(0, max)),
    delivered: (jti) => void done.push(jti),
  });
  await expect(authorizer.authorizeStart()).resolves.toEqual({ accepted: true, grant: { streamId: '' } });
  await expect(authorizer.drain()).resolves.toBe(0);
  expect(new Set(done).size).toBe(250);
});
