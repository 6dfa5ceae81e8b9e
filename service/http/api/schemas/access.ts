import { z } from 'zod';

/** Body of `login`, which answers with a cookie. */
export const Login = z.strictObject({ token: z.string().min(1).max(1024) }).meta({ id: 'Login' });

/** What this client may do. */
export const Access = z
  .object({
    mayRead: z.boolean(),
    mayOrder: z.boolean(),
    tokenIsSet: z.boolean().describe('false: no order is possible until OPERATOR_TOKEN is set'),
    sentence: z.string().describe('What to do to be allowed more; empty if everything is allowed'),
  })
  .meta({ id: 'Access' });

export type Login = z.infer<typeof Login>;
export type Access = z.infer<typeof Access>;
