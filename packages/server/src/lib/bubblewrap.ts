/** What every isolated program of ours sees of the machine, as arguments of bubblewrap. */
import { lstatSync, readlinkSync } from 'node:fs';

/** Programs and what they read. Of /etc only what programs need and anybody may know. */
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

/** Made before, so that they can be passed: bwrap gives what it makes by itself the mode of what comes below. */
export function above(folder: string): string[] {
  const parts = folder.split('/').slice(1, -1);
  return parts.flatMap((_, depth) => ['--dir', `/${parts.slice(0, depth + 1).join('/')}`]);
}

/** A link on most machines, a folder on some. */
export function mergedFolder(folder: string): string[] {
  try {
    return lstatSync(folder).isSymbolicLink()
      ? ['--symlink', readlinkSync(folder), folder]
      : ['--ro-bind', folder, folder];
  } catch {
    return [];
  }
}
