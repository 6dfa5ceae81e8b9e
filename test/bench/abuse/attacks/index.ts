import type { Attack } from '../attack';
import { callbackAttacks } from './callback';
import { commandAttacks } from './commands';
import { connectionAttacks } from './connections';
import { httpAttacks } from './http';
import { mediaAttacks } from './media';
import { redisAttacks } from './redis';
import { tlsAttacks } from './tls';

/** All attacks of `npm run bench -- abuse`, in the order of its price list. */
export const attacks: readonly Attack[] = [
  ...connectionAttacks,
  ...commandAttacks,
  ...mediaAttacks,
  ...tlsAttacks,
  ...httpAttacks,
  ...callbackAttacks,
  ...redisAttacks,
];
