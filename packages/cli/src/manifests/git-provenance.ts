/** The provenance of files in a git checkout. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { Source } from '@dais/api';
import { runProgram, type ProgramOptions } from '#processes.ts';

/**
 * Returns the provenance of each file, by path. Files outside a checkout have none; neither has any file where git is
 * missing or refuses, which does not fail apply.
 */
export async function gitProvenance(
  paths: readonly string[],
  variables: ProgramOptions['variables'],
): Promise<ReadonlyMap<string, Source>> {
  const sources = new Map<string, Source>();
  const byRoot = new Map<string, { readonly path: string; readonly inside: string }[]>();
  const roots = new Map<string, string | undefined>();
  for (const path of paths) {
    // A link counts as its target, whose content is applied.
    const real = await realpath(path).catch(() => path);
    const folder = dirname(real);
    if (!roots.has(folder)) roots.set(folder, await rootOf(folder, variables));
    const root = roots.get(folder);
    if (root === undefined) continue;
    const inside = relative(root, join(folder, basename(real)));
    byRoot.set(root, [...(byRoot.get(root) ?? []), { path, inside }]);
  }
  for (const [root, files] of byRoot) {
    const git = (args: readonly string[]) => runGit(root, args, variables);
    const [commit, remote, changed, tracked] = await Promise.all([
      git(['rev-parse', '--verify', '--quiet', 'HEAD']),
      remoteOf(git),
      git(['status', '--porcelain=v1', '-z', '--no-renames', '--', ...files.map((file) => file.inside)]),
      git(['ls-files', '-z', '--', ...files.map((file) => file.inside)]),
    ]);
    const dirty = new Set((changed ?? '').split('\0').map((entry) => entry.slice(3)));
    const known = new Set((tracked ?? '').split('\0'));
    for (const { path, inside } of files) {
      const inRepository = inside.split(sep).join('/');
      sources.set(path, {
        ...(remote !== undefined && { remote }),
        ...(commit !== undefined && { commit: commit.trim() }),
        path: inRepository,
        dirty: commit === undefined || dirty.has(inRepository) || !known.has(inRepository),
      });
    }
  }
  return sources;
}

async function rootOf(folder: string, variables: ProgramOptions['variables']): Promise<string | undefined> {
  const root = (await runGit(folder, ['rev-parse', '--show-toplevel'], variables))?.replace(/\n$/, '');
  return root === '' ? undefined : root;
}

async function remoteOf(git: (args: readonly string[]) => Promise<string | undefined>): Promise<string | undefined> {
  const names = ((await git(['remote'])) ?? '').split('\n').filter((name) => name !== '');
  const name = names.includes('origin') ? 'origin' : names[0];
  const url = name === undefined ? undefined : (await git(['remote', 'get-url', name]))?.trim();
  return url === undefined || url === '' ? undefined : withoutCredentials(url);
}

/** Output of git; undefined when it fails. */
async function runGit(
  folder: string,
  args: readonly string[],
  variables: ProgramOptions['variables'],
): Promise<string | undefined> {
  const { code, stdout } = await runProgram('git', ['-C', folder, '--literal-pathspecs', ...args], {
    // Reading must not take a lock that the user's own git would wait for.
    variables: { ...variables, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
  });
  return code === 0 ? stdout : undefined;
}

/** Tokens are in a URL's user, password or query; the user of `ssh` is part of the address. */
export function withoutCredentials(remote: string): string {
  if (!URL.canParse(remote) || !remote.includes('://')) return remote;
  const url = new URL(remote);
  if (url.protocol !== 'ssh:') url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url.href;
}
