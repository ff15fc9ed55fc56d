/**
 * Links that MLflow's clients print at the end of a run lead into its own console, by what stands after `#`: here to the
 * same thing in this one.
 */

const PAGES: readonly (readonly [pattern: RegExp, path: string])[] = [
  [/^experiments\/[^/]+\/runs\/([^/]+)/, 'runs/$1'],
  [/^experiments\/[^/]+\/models\/([^/]+)/, 'logged-models/$1'],
  [/^experiments\/[^/]+\/traces/, 'traces'],
  [/^experiments\/([^/]+)/, 'experiments/$1'],
  [/^experiments\/?$/, 'experiments'],
  [/^models\/([^/]+)\/versions\/([^/]+)/, 'models/$1/versions/$2'],
  [/^models\/([^/]+)/, 'models/$1'],
  [/^prompts\/([^/]+)/, 'prompts/$1'],
  [/^prompts\/?$/, 'prompts'],
];

/**
 * The console's path, below its base path, of what `hash` names; undefined when it names nothing. `pathname`, below the
 * base path too, says which project it is of: the server has sent on who came by an address below `/p/<project>`.
 */
export function pathOfClientLink(hash: string, pathname: string): string | undefined {
  const [, named = ''] = /^#\/([^?]*)/.exec(hash) ?? [];
  const project = /^\/projects\/([^/]+)/.exec(pathname)?.[1] ?? 'default';
  for (const [pattern, path] of PAGES) {
    const [whole] = pattern.exec(named) ?? [];
    if (whole !== undefined) return `/projects/${project}/${whole.replace(pattern, path)}`;
  }
  return undefined;
}
