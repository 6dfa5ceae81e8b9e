import { installPackages, requireNodeVersion } from './prerequisites.mjs';
import { withSetupLock } from './setup-lock.mjs';

/**
 * What each `npm run` command does before it can load TypeScript: checks Node.js and installs missing packages, those
 * for development included. Ends the process with one line when that is not possible.
 *
 * @param {{ task?: string, further?: () => void }} options what cannot be done then, and what else to check or install
 */
export async function prepare({ task = 'start', further = () => undefined } = {}) {
  try {
    requireNodeVersion();
    await withSetupLock(() => installPackages({ development: true }));
    further();
  } catch (error) {
    console.error(`Cannot ${task}: ${error.message}`);
    process.exit(1);
  }
}
