import { resolve } from 'node:path';

/** The folder that holds service/, lambdas/ and the lock file. */
export const repositoryRoot = resolve(__dirname, '../..');
