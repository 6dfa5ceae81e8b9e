import { expect, test } from '@jest/globals';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';

test('without a callback everybody may publish and nothing is left to send', async () => {
  const done: string[] = [];
  const authorizer = new AcceptAllAuthorizer((jti) => done.push(jti));
  await expect(authorizer.authorizeStart()).resolves.toEqual({ accepted: true, grant: { streamId: '' } });
  authorizer.streamEnded({ channel: 'c', key: 'k', clientIp: '192.0.2.1', query: '', streamId: '', jti: 'stop-1' });
  expect(done).toEqual(['stop-1']);
  await expect(authorizer.drain()).resolves.toBe(0);
});
