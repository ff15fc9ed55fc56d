/** Programs and settings of the machine that every run sees read-only, and the bubblewrap arguments for them. */
import { lstatSync, readlinkSync } from 'node:fs';

/** Program folders. Of /etc only public files that programs need. */
export const PROGRAM_FOLDERS = ['/usr', '/opt'];
export const MERGED_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
export const ETC = [
  'alternatives',
  'ca-certificates',
  'fonts',
  'group',
  'hosts',
  'java-11-openjdk',
  'java-17-openjdk',
  'java-21-openjdk',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'mime.types',
  'nsswitch.conf',
  'os-release',
  'passwd',
  'pki',
  'protocols',
  'resolv.conf',
  'services',
  'ssl',
  'timezone',
];

/** Creates the parents of `folder` first: bwrap would give them the mode of the folder, which may deny access to others. */
export function ancestorsOf(folder: string): string[] {
  const parts = folder.split('/').slice(1, -1);
  return parts.flatMap((_, depth) => ['--dir', `/${parts.slice(0, depth + 1).join('/')}`]);
}

/** `/bin` and similar paths are links on most machines and folders on some. */
export function mergedFolder(folder: string): string[] {
  try {
    return lstatSync(folder).isSymbolicLink()
      ? ['--symlink', readlinkSync(folder), folder]
      : ['--ro-bind', folder, folder];
  } catch {
    return [];
  }
}

/** Returns all that exist, for boundaries that do not move files. */
export function machineFiles(): string[] {
  return [...PROGRAM_FOLDERS, ...MERGED_FOLDERS, ...ETC.map((name) => `/etc/${name}`)];
}

/** Returns whether a folder is below one that every run sees. */
export function isBelowMachineFiles(folder: string): boolean {
  return [...PROGRAM_FOLDERS, ...ETC.map((name) => `/etc/${name}`)].some((seen) => folder.startsWith(`${seen}/`));
}

/** Device files of the GPUs with these indexes. */
export function gpuFiles(gpus: readonly string[]): string[] {
  const shared = ['nvidiactl', 'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia-modeset'];
  return gpus.length === 0 ? [] : [...shared, ...gpus.map((index) => `nvidia${index}`)].map((name) => `/dev/${name}`);
}
