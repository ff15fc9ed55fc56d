/** For tests: a separate disk that is small enough to be filled. */
import { mkdir, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '#lib/process.ts';

const PROGRAMS = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
const MIB = 2 ** 20;

export class SmallDisk {
  /** Where it is mounted. */
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Creates the folder `path` and mounts a disk of `bytes` there. @throws Error if the process may not mount. */
  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await mkdir(path);
    await mount('-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'dais-test', path);
    return new SmallDisk(path);
  }

  async remount(mode: 'ro' | 'rw'): Promise<void> {
    await mount('-o', `remount,${mode}`, this.path);
  }

  /** Uses all space except `leave` bytes. */
  async fill(leave: number): Promise<void> {
    const file = await open(join(this.path, 'filler'), 'a');
    try {
      for (;;) {
        const { bavail, bsize } = await statfs(this.path);
        const take = Math.min(bavail * bsize - leave, MIB);
        if (take <= 0) return;
        await file.write(Buffer.alloc(take));
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(join(this.path, 'filler'), { force: true });
  }

  async unmount(): Promise<void> {
    // Lazily: a failed test may leave a process that is still ending.
    await run('umount', ['--lazy', this.path], PROGRAMS);
  }
}

async function mount(...options: readonly string[]): Promise<void> {
  const mounted = await run('mount', [...options], PROGRAMS);
  if (mounted.code === 0) return;
  throw new Error(
    `mount: ${mounted.stderr.trim()}\nThis test mounts a disk: run it as root (\`sudo -E npx vitest run …\`), ` +
      'or in a container as root with the capability SYS_ADMIN.',
  );
}
