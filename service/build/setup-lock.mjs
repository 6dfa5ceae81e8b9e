// One process at a time installs and builds in a clone, however many are started at once.
import { mkdirSync, renameSync, rmdirSync, rmSync, statSync, utimes } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const lockPath = join(fileURLToPath(new URL('../..', import.meta.url)), '.build', 'setup.lock');
const beatMs = 1_000;
const retryMs = 200;
/** A holder that has not touched the lock for this long was killed (ms). Process ids cannot tell: they are reused. */
const staleMs = 15_000;

/** Runs `work` while holding the lock, after waiting for other holders. */
export async function withSetupLock(work) {
  mkdirSync(dirname(lockPath), { recursive: true });
  while (!tryLock()) await new Promise((wake) => setTimeout(wake, retryMs));
  const beat = setInterval(() => {
    utimes(lockPath, new Date(), new Date(), () => {}); // fails only when someone emptied .build: nothing to guard then
  }, beatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(lockPath, { recursive: true, force: true });
  }
}

function tryLock() {
  try {
    mkdirSync(lockPath);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    if (Date.now() - statSync(lockPath).mtimeMs > staleMs) {
      const aside = `${lockPath}.${process.pid}`;
      renameSync(lockPath, aside); // only one of the waiting processes can move it away
      rmdirSync(aside);
    }
  } catch {
    // released, or taken by another process meanwhile: try again
  }
  return false;
}
