/** Small images that pods of tests use: made from static programs, without a registry. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../tools/command.mjs';
import { ensureProgram } from '../../tools/debian-packages.mjs';
import { PAUSE_IMAGE } from './container-runtime.ts';
import { writeOciArchive } from './oci-archive.ts';

/** A shell and the programs of busybox. */
export const SHELL_IMAGE = 'localhost/dais-busybox:1';

/** Writes the archives of the images `PAUSE_IMAGE` and `SHELL_IMAGE`, and returns their paths. */
export async function writeNodeImages(folder: string): Promise<string[]> {
  const busybox = await ensureProgram('Pods of a test cluster run busybox.', ['busybox'], 'busybox-static');
  const files = mkdtempSync(join(tmpdir(), 'dais-image-'));
  try {
    const [pause, shell] = [join(files, 'pause'), join(files, 'shell')];
    mkdirSync(join(pause, 'bin'), { recursive: true });
    copyFileSync(busybox, join(pause, 'bin', 'busybox'));
    // busybox chooses its applet by the name it is called with, so the entry point names it.
    const entrypoint = ['/bin/busybox', 'sleep', '2147483647'];
    const archives = [join(folder, 'pause.tar'), join(folder, 'busybox.tar')] as const;
    await writeOciArchive(pause, { name: PAUSE_IMAGE, entrypoint }, archives[0]);
    await writeShell(shell, busybox);
    await writeOciArchive(shell, { name: SHELL_IMAGE }, archives[1]);
    return [...archives];
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}

async function writeShell(root: string, busybox: string): Promise<void> {
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'root', 'tmp', 'var/run']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(busybox, join(root, 'bin', 'busybox'));
  const { output } = await runCommand(busybox, ['--list'], { quiet: true });
  for (const name of output.trim().split('\n')) {
    if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
  }
  writeFileSync(join(root, 'etc', 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n');
  writeFileSync(join(root, 'etc', 'group'), 'root:x:0:\n');
}
