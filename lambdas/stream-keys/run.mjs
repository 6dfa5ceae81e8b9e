// `npm run keys`: installs missing packages and runs the command.
import { readFileSync } from 'node:fs';
import { installPackages, requireNodeVersion } from '../../service/build/prerequisites.mjs';
import { withSetupLock } from '../../service/build/setup-lock.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h') || args[0] === 'help') {
  process.stdout.write(readFileSync(new URL('usage.txt', import.meta.url)));
  process.exit(0);
}

try {
  requireNodeVersion();
  await withSetupLock(() => installPackages({ development: true }));
} catch (error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}
// From here on TypeScript can be loaded.
await import('tsx');
await import('./cli.ts');
