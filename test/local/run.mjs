// `npm run local`: brings what it needs (packages, Debian programs) and starts the deployment on this machine.
import { installPackages, requireNodeVersion } from '../../service/prerequisites.mjs';
import { withSetupLock } from '../../service/setup-lock.mjs';
import { installDebianPackages, packagesOfMissingPrograms } from '../support/debian-packages.mjs';

const programs = { haproxy: 'haproxy', 'redis-server': 'redis-server', openssl: 'openssl' };

try {
  requireNodeVersion();
  if (process.platform !== 'linux') throw new Error('it needs Linux, for more than one loopback address');
  await withSetupLock(() => installPackages({ development: true }));
  installDebianPackages(() => packagesOfMissingPrograms(programs));
} catch (error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}
// What the SDK says about older releases of Node.js does not concern those that are deployed.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
// From here on TypeScript can be loaded.
await import('tsx');
await import('./local.ts');
