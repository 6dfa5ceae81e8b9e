// `npm start`: prepares a fresh clone (dependencies, bundle) and runs one node, in this process.
// Later starts only compare fingerprints: a current bundle needs no packages at all.
// package.json starts it with `exec`, so that there is no shell between npm and the server: Debian's shell would end on
// Ctrl-C at once, and the prompt would return before the server has ended. Windows has no `exec`: use
// `node service/build/start.mjs`.
import { createRequire } from 'node:module';
import { installPackages, requireNodeVersion } from './prerequisites.mjs';

// Process 1 of a container gets no signal without a listener, and Ctrl-C is not an error. The server has its own
// listeners.
const signals = ['SIGTERM', 'SIGINT'];
const leave = () => process.exit(0);
for (const signal of signals) process.on(signal, leave);

try {
  requireNodeVersion();
  const { buildBundle, bundlePath, isBundleCurrent } = await import('./build.mjs');
  if (!isBundleCurrent()) {
    const { withSetupLock } = await import('./setup-lock.mjs');
    await withSetupLock(async () => {
      if (isBundleCurrent()) return; // another start has built it meanwhile
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
