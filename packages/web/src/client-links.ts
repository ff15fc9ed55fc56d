/**
 * Links that the clients of MLflow and of Kubeflow Pipelines print at the end of a run lead into their own consoles, by what
 * stands after `#`: here to the same thing in this one.
 */

const PAGES: readonly (readonly [pattern: RegExp, path: string])[] = [
  [/^experiments\/[^/]+\/runs\/([^/]+)/, 'runs/$1'],
  [/^experiments\/[^/]+\/models\/([^/]+)/, 'logged-models/$1'],
  [/^experiments\/[^/]+\/traces/, 'traces'],
  [/^runs\/details\/(?:[^/.]+\.)?([^/]+)/, 'executions/$1'],
  [/^experiments\/details\/(?:[^/.]+\.)?([^/]+)/, 'experiments/$1'],
  [/^pipelines\/details\/.*/, 'pipelines'],
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
  // Where a client names a namespace, ids that it is given begin with that.
  const [, namespace] = /^[a-z]+\/details\/([^/.]+)\./.exec(named) ?? [];
  const project = namespace ?? /^\/projects\/([^/]+)/.exec(pathname)?.[1] ?? 'default';
  for (const [pattern, path] of PAGES) {
    const [whole] = pattern.exec(named) ?? [];
    if (whole !== undefined) return `/projects/${project}/${whole.replace(pattern, path)}`;
  }
  return undefined;
}
