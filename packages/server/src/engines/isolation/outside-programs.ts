/**
 * Programs of the machine for a task in an image: they set its user and read its variables, whatever the image contains. `/usr`
 * of the machine is mounted in a folder of the image, and each program is started by its own loader with its own libraries.
 */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';

/** Mount point of `/usr` of the machine in an image. */
export const OUTSIDE = '/.dais/usr';

const LOADERS: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
};

export type OutsideProgram = (name: string) => readonly string[];

/** Undefined if programs and libraries of the machine are not below `/usr`, or if it has another loader. */
export function outsidePrograms(machine: string): OutsideProgram | undefined {
  try {
    const loader = realpathSync(LOADERS[machine] ?? '');
    if (!loader.startsWith('/usr/') || !realpathSync('/bin/sh').startsWith('/usr/')) return undefined;
    const inside = (path: string) => OUTSIDE + path.slice('/usr'.length);
    const libraries = [dirname(loader), '/usr/lib64', '/usr/lib'].map(inside).join(':');
    return (name) => [inside(loader), '--library-path', libraries, `${OUTSIDE}/bin/${name}`];
  } catch {
    return undefined;
  }
}
