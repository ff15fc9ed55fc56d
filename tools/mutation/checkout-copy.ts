/** A copy of the checkout as it is on disk: a Git worktree, with the installed packages as hard links. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, runCommand } from '../command.mjs';

export interface CheckoutCopy {
  readonly folder: string;
  /** Paths of its files, relative to the folder. */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

/** Caches that programs write into in place: hard links would change those of the checkout. */
const CACHES = ['.cache', '.vite', '.vite-temp', '.vitest-cache'];

export async function copyCheckout(): Promise<CheckoutCopy> {
  // On the disk of the checkout, because links do not leave a disk. Git ignores the folder.
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'mutation-'));
  const remove = async () => {
    await runCommand('git', ['worktree', 'remove', '--force', folder], { quiet: true });
    rmSync(folder, { recursive: true, force: true });
    await runCommand('git', ['worktree', 'prune'], { quiet: true });
  };
  try {
    await git(['worktree', 'add', '--quiet', '--detach', '--force', folder, 'HEAD']);
    for (const path of await listed(['--deleted'])) rmSync(join(folder, path), { force: true });
    for (const path of await listed(['--modified', '--others', '--exclude-standard'])) {
      if (!existsSync(join(root, path))) continue;
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      cpSync(join(root, path), join(folder, path), { recursive: true, verbatimSymlinks: true });
    }
    await linkPackages(folder);
    const files = (await listed(['--cached', '--others', '--exclude-standard'])).filter((path) =>
      existsSync(join(folder, path)),
    );
    return { folder, files: [...new Set(files)], remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function linkPackages(folder: string): Promise<void> {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  for (const place of ['.', ...packages]) {
    const from = join(root, place, 'node_modules');
    if (!existsSync(from)) continue;
    const { code, output } = await runCommand('cp', ['-al', from, join(folder, place, 'node_modules')], {
      quiet: true,
    });
    if (code !== 0) throw new Error(`The installed packages cannot be linked into ${folder}: ${output}`);
  }
  for (const cache of CACHES) rmSync(join(folder, 'node_modules', cache), { recursive: true, force: true });
}

async function listed(options: readonly string[]): Promise<readonly string[]> {
  return (await git(['ls-files', '-z', ...options])).split('\0').filter(Boolean);
}

async function git(args: readonly string[]): Promise<string> {
  const { code, output } = await runCommand('git', args, { quiet: true });
  if (code !== 0) throw new Error(`git ${args.join(' ')} failed: ${output}`);
  return output;
}
