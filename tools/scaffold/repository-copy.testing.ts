/** A copy of the repository as it is on the disk, with its installed packages: scaffolds write into it. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root, runCommand } from '../command.mjs';
import { ensureInstalled } from '../install.mjs';

export interface RepositoryCopy {
  /** Runs a program in the copy. Returns its output when it fails, else an empty text. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Writes a file of the copy. */
  write(path: string, text: string): void;
  remove(): void;
}

export async function copyRepository(): Promise<RepositoryCopy> {
  const copy = mkdtempSync(join(tmpdir(), 'scaf-'));
  const { output } = await runCommand('git', ['ls-files', '-co', '--exclude-standard', '-z'], { quiet: true });
  for (const path of output.split('\0').filter(Boolean)) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    // A file that is deleted but not yet committed is still listed.
    cpSync(join(root, path), join(copy, path), {
      force: true,
      errorOnExist: false,
      verbatimSymlinks: true,
      recursive: true,
    });
  }
  await ensureInstalled();
  mkdirSync(join(copy, 'node_modules', '@dais'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@dais' || name === '.dais-lock') continue;
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  for (const name of readdirSync(join(copy, 'packages'))) {
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules', '@dais', name));
  }
  return {
    run: async (program, args) => {
      const end = await runCommand(program, args, { cwd: copy, quiet: true, env: { NO_COLOR: '1' } });
      return end.code === 0 ? '' : `${program} ${args.join(' ')}:\n${end.output}`;
    },
    write: (path, text) => writeFileSync(join(copy, path), text),
    remove: () => rmSync(copy, { recursive: true, force: true }),
  };
}
