import { expect, test } from '@jest/globals';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';

test('without a callback everybody may publish and nothing is left to send', async () => {
  const authorizer = new AcceptAllAuthorizer();
  await expect(authorizer.authorizeStart()).resolves.toEqual({ accepted: true, grant: { streamId: '' } });
  authorizer.streamEnded();
  await expect(authorizer.drain()).resolves.toBe(0);
});
