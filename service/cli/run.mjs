#!/usr/bin/env node
// `npm run fleet` and the command `rtmp-fleet`: prepares a fresh clone (dependencies, bundle) and runs the program in
// this process. Later runs only compare fingerprints.
import { createRequire } from 'node:module';
import { installPackages, requireNodeVersion } from '../build/prerequisites.mjs';

try {
  requireNodeVersion();
  const { buildBundle, cliPath, isBundleCurrent } = await import('../build/build.mjs');
  if (!isBundleCurrent()) {
    const { withSetupLock } = await import('../build/setup-lock.mjs');
    await withSetupLock(async () => {
      if (isBundleCurrent()) return; // another start has built it meanwhile
      await installPackages({ development: false });
      await buildBundle();
    });
  }
  process.argv = [process.argv[0], cliPath, ...process.argv.slice(2)];
  createRequire(import.meta.url)(cliPath);
} catch (error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}
