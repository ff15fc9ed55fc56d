/** Small images that pods of tests use: made from static programs, without a registry. */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand } from '../../tools/command.mjs';
import { ensureProgram, installDebian } from '../../tools/debian-packages.mjs';
import { PAUSE_IMAGE } from './container-runtime.ts';
import { writeOciArchive } from './oci-archive.ts';

/** A shell and the programs of busybox. */
export const SHELL_IMAGE = 'localhost/dais-busybox:1';

/** The same with the Python of this machine's system in /usr, as the image of Dais has it, and with shared libraries for packages. */
export const PYTHON_IMAGE = 'localhost/dais-python:1';
const LIBRARIES =
  /^lib(?:c|m|dl|pthread|rt|util|z|bz2|lzma|ffi|ssl|crypto|stdc\+\+|gcc_s|gomp|sqlite3|readline|ncursesw|tinfo|uuid|expat)\.so/;

/** Writes the archive of `PYTHON_IMAGE`, and returns the version of its Python: `3.11`. */
export async function writePythonImage(archive: string): Promise<string> {
  const busybox = await ensureProgram('Pods of a test cluster run busybox.', ['busybox'], 'busybox-static');
  if (!existsSync('/usr/bin/python3')) await installDebian('Pods of a test cluster run Python.', ['python3']);
  const ask = 'import os, sys; print(os.path.realpath(sys.executable), "%d.%d" % sys.version_info[:2])';
  const answer = await runCommand('/usr/bin/python3', ['-I', '-S', '-c', ask], { quiet: true });
  const [program = '', version = ''] = answer.output.trim().split(' ');
  const files = mkdtempSync(join(tmpdir(), 'dais-image-'));
  try {
    await writeShell(files, busybox);
    copyInto(files, program);
    // Its libraries with its loader.
    const { output: linked } = await runCommand('ldd', [program], { quiet: true });
    for (const [, path = ''] of linked.matchAll(/(\/\S+) \(0x/g)) copyInto(files, path);
    const library = `/usr/lib/python${version}`;
    const isNeeded = (path: string) => !/\/(?:dist-packages|site-packages|__pycache__|test)(?:\/|$)/.test(path);
    cpSync(library, join(files, library), { recursive: true, dereference: true, filter: isNeeded });
    const { output } = await runCommand('/sbin/ldconfig', ['-p'], { quiet: true });
    for (const [, name = '', path = ''] of output.matchAll(/^\s+(\S+) \(.*\) => (\S+)$/gm)) {
      if (LIBRARIES.test(name)) copyInto(files, path);
    }
    await writeOciArchive(files, { name: PYTHON_IMAGE }, archive);
    return version;
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}

function copyInto(root: string, path: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  copyFileSync(path, join(root, path));
  chmodSync(join(root, path), 0o755);
}

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
