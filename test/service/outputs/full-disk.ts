import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small file system of its own in memory. Only root can create one. */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** undefined: this user may not; the reason is printed. */
  static mount(megabytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'rtmp-small-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'pipe' });
      return new SmallDisk(path);
    } catch (error) {
      rmSync(path, { recursive: true });
      process.stderr.write(`tests on a full disk are skipped: ${String(error).split('\n')[0]}\n`);
      return undefined;
    }
  }

  /** Uses up all the space that is left. */
  fill(): void {
    for (let size = 2 ** 20; size >= 1; size = Math.floor(size / 2)) {
      for (let number = 0; this.#takes(`ballast-${size}-${number}`, size); number += 1);
    }
  }

  /** Gives the space of `fill` back. */
  empty(): void {
    execFileSync('find', [this.path, '-name', 'ballast-*', '-delete']);
  }

  unmount(): void {
    execFileSync('umount', [this.path]);
    rmSync(this.path, { recursive: true });
  }

  #takes(name: string, size: number): boolean {
    const path = join(this.path, name);
    try {
      writeFileSync(path, Buffer.alloc(size));
      return true;
    } catch {
      rmSync(path, { force: true });
      return false;
    }
  }
}
