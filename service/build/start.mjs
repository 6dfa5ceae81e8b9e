// `npm start`: makes a fresh clone ready (dependencies, bundle) and runs one node, in this very process.
// Started again it only compares fingerprints: a bundle that is current needs no packages at all.
// package.json starts it with `exec`, so that no shell stands between npm and the server: Debian's would die of Ctrl-C
// at once and leave the server to end behind the prompt's back. Windows has no `exec`: type `node service/build/start.mjs`.
import { createRequire } from 'node:module';
import { installPackages, requireNodeVersion } from './prerequisites.mjs';

// As process 1 of a container it would not hear of them, and Ctrl-C is a wish, not an error. The server has its own ways.
const signals = ['SIGTERM', 'SIGINT'];
const leave = () => process.exit(0);
for (const signal of signals) process.on(signal, leave);

try {
  requireNodeVersion();
  const { buildBundle, bundlePath, isBundleCurrent } = await import('./build.mjs');
  if (!isBundleCurrent()) {
    const { withSetupLock } = await import('./setup-lock.mjs');
    await withSetupLock(async () => {
      if (isBundleCurrent()) return; // another start did it while this one waited
      await installPackages({ development: false });
      console.log('Building the server ...');
      await buildBundle();
    });
  }
  process.argv = [process.argv[0], bundlePath, '--quick-start', ...process.argv.slice(2)];
  createRequire(import.meta.url)(bundlePath);
  for (const signal of signals) process.off(signal, leave);
} catch (error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}
