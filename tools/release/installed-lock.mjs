/** Selects from the lock of the repository what an installation of the published packages contains. */

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {string} [integrity]
 * @property {boolean} [link]
 * @property {string} [license]
 * @property {boolean} [optional]
 * @property {boolean} [dev]
 * @property {boolean} [devOptional]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, { optional?: boolean }>} [peerDependenciesMeta]
 *
 * @typedef {Readonly<Record<string, LockEntry>>} LockPackages
 * @typedef {{ readonly name: string, readonly path: string, readonly file: string, readonly integrity: string }} Archive
 */

/**
 * Returns the entries of a lock that installs archives of workspaces, each dependency in the version of the repository.
 * @param {LockPackages} packages those of the lock of the repository
 * @param {readonly Archive[]} archives `path` is that of the workspace: `packages/cli`
 * @returns {Record<string, LockEntry>}
 */
export function installedPackages(packages, archives) {
  const places = new Map(archives.map(({ name, path }) => [path, `node_modules/${name}`]));
  /** @type {Record<string, LockEntry>} */
  const installed = {};
  for (const path of neededPackages(packages, [...places.keys()]).keys()) {
    const entry = packages[path];
    if (entry === undefined) continue;
    const archive = archives.find((one) => one.path === path);
    const { dev: _dev, devOptional: _devOptional, devDependencies: _devDependencies, ...kept } = entry;
    installed[installedPath(path, places)] = archive
      ? { ...kept, resolved: `file:${archive.file}`, integrity: archive.integrity }
      : kept;
  }
  return Object.fromEntries(Object.entries(installed).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * @param {string} path in the repository
 * @param {ReadonlyMap<string, string>} places
 */
function installedPath(path, places) {
  const workspace = [...places.keys()].find((one) => path === one || path.startsWith(`${one}/`));
  return workspace === undefined ? path : `${places.get(workspace)}${path.slice(workspace.length)}`;
}

/**
 * Returns the paths of the workspaces and of everything that they need at run time, each with the paths that it needs itself.
 * @param {LockPackages} packages
 * @param {readonly string[]} workspaces
 * @returns {ReadonlyMap<string, readonly string[]>}
 */
export function neededPackages(packages, workspaces) {
  /** @type {Map<string, string[]>} */
  const found = new Map(workspaces.map((path) => [path, []]));
  for (const [path, needs] of found) {
    const entry = packages[path] ?? {};
    for (const name of Object.keys({
      ...entry.dependencies,
      ...entry.optionalDependencies,
      ...entry.peerDependencies,
    })) {
      const at = resolve(packages, path, name);
      const target = at !== undefined && packages[at]?.link ? packages[at].resolved : at;
      if (target !== undefined) {
        needs.push(target);
        if (!found.has(target)) found.set(target, []);
      } else if (!isOptional(entry, name)) throw new Error(`The lock does not have ${name}, which ${path} needs.`);
    }
  }
  return found;
}

/**
 * @param {LockEntry} entry
 * @param {string} name
 */
function isOptional(entry, name) {
  return name in (entry.optionalDependencies ?? {}) || entry.peerDependenciesMeta?.[name]?.optional === true;
}

/**
 * Returns the path that Node resolves a name to: the nearest node_modules on the way up.
 * @param {LockPackages} packages
 * @param {string} from
 * @param {string} name
 */
function resolve(packages, from, name) {
  for (let at = from; ; at = parent(at)) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (at === '') return undefined;
  }
}

/** @param {string} path */
function parent(path) {
  const at = path.lastIndexOf('/node_modules/');
  return at < 0 ? '' : path.slice(0, at);
}
