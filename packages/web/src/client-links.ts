/**
 * Maps links that the clients of MLflow and Kubeflow Pipelines print at the end of a run to pages of this console.
 * Those links lead to routes of their own consoles, which are in the fragment after `#`.
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
 * Returns the console's path, without the base path, for the object that `hash` names; undefined for an unknown one.
 * `pathname`, also without the base path, names the project: the server redirects requests for `/p/<project>`.
 */
export function pathOfClientLink(hash: string, pathname: string): string | undefined {
  const [, named = ''] = /^#\/([^?]*)/.exec(hash) ?? [];
  // Where a client has a namespace, its ids begin with the namespace.
  const [, namespace] = /^[a-z]+\/details\/([^/.]+)\./.exec(named) ?? [];
  const project = namespace ?? /^\/projects\/([^/]+)/.exec(pathname)?.[1] ?? 'default';
  for (const [pattern, path] of PAGES) {
    const [whole] = pattern.exec(named) ?? [];
    if (whole !== undefined) return `/projects/${project}/${whole.replace(pattern, path)}`;
  }
  return undefined;
}
