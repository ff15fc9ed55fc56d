/** The previous release, built from its tag or commit, and the current build: both as commands. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from '../build-stamp.mjs';
import { root, runCommand } from '../command.mjs';

/** A program and its first arguments: `dais` of one version. */
export type DaisCommand = readonly [program: string, ...args: string[]];

export interface Migration {
  readonly slice: string;
  readonly id: string;
  readonly sha256: string;
}

/** The tag of the previous release. Before the first release: the commit since which no migration has been edited. */
export function previousRelease(): string {
  const { ref } = JSON.parse(readFileSync(join(root, 'tools', 'upgrade', 'previous-release.json'), 'utf8')) as {
    ref: string;
  };
  return ref;
}

/** @throws Error when the packages are not built from the current sources. */
export function currentCommand(): DaisCommand {
  if (!isBuilt()) throw new Error('The packages are not built from the current sources. Run `npm run build` first.');
  return commandIn(root);
}

/**
 * Builds a release in a folder, with its own lock and its own build program.
 * @throws Error with the output of the build
 */
export async function buildRelease(ref: string, folder: string): Promise<DaisCommand> {
  const found = await runCommand('git', ['cat-file', '-e', `${ref}^{commit}`], { quiet: true });
  if (found.code !== 0) {
    throw new Error(
      `This checkout has no commit ${ref} of tools/upgrade/previous-release.json. Run: git fetch --tags --unshallow`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await must('git', ['archive', '--output', archive, ref], root);
  await must('tar', ['-xf', archive, '-C', folder], root);
  await must('node', ['tools/run.mjs', 'build'], folder);
  return commandIn(folder);
}

/** The migrations of a folder with sources. */
export function migrationsIn(folder: string): readonly Migration[] {
  const file = join(folder, 'packages', 'server', 'src', 'released-migrations.json');
  const releases = JSON.parse(readFileSync(file, 'utf8')) as Record<string, readonly Migration[]>;
  return Object.values(releases).at(-1) ?? [];
}

function commandIn(folder: string): DaisCommand {
  const command = join(folder, 'packages', 'cli', 'bin', 'dais.js');
  if (!existsSync(command)) throw new Error(`${command} is missing`);
  return [process.execPath, command];
}

async function must(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runCommand(program, args, { quiet: true, cwd });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
}
