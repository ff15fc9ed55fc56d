/**
 * Programs of the machine for a task that sees an image instead of it: they make the task who it is and read its variables,
 * whatever the image has or lacks. The machine's `/usr` lies in a corner of the image, and each program is started by its own
 * loader with its own libraries.
 */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where `/usr` of the machine lies in an image. */
export const OUTSIDE = '/.dais/usr';

const LOADERS: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
};

export type OutsideProgram = (name: string) => readonly string[];

/** Undefined where the machine does not keep its programs and libraries below `/usr`, or has another loader. */
export function outsidePrograms(machine: string): OutsideProgram | undefined {
  try {
    const loader = realpathSync(LOADERS[machine] ?? '');
    if (!loader.startsWith('/usr/') || !realpathSync('/bin/sh').startsWith('/usr/')) return undefined;
    const inside = (place: string) => OUTSIDE + place.slice('/usr'.length);
    const libraries = [dirname(loader), '/usr/lib64', '/usr/lib'].map(inside).join(':');
    return (name) => [inside(loader), '--library-path', libraries, `${OUTSIDE}/bin/${name}`];
  } catch {
    return undefined;
  }
}
