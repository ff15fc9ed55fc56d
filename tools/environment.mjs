/** The only file of tools/ that reads the environment: other files receive values or import them from here. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The variables of this process, for child processes that inherit them. */
export const environment = process.env;

/** The home folder of the current user. */
export function home() {
  return homedir();
}

/** Where the programs of this user keep their settings. */
export function configFolder() {
  return environment.XDG_CONFIG_HOME || join(homedir(), '.config');
}

/**
 * Where programs are kept that other users of the machine must be able to run: as root, Dais starts processes of models
 * under user ids of their own, and the home of root is closed to them. `DAIS_CACHE` and `XDG_CACHE_HOME` count for
 * root, too.
 * @param {Readonly<Record<string, string | undefined>>} variables
 */
export function programFolder(variables = environment) {
  const isRoot = process.getuid !== undefined && process.getuid() === 0;
  return isRoot && !variables.DAIS_CACHE && !variables.XDG_CACHE_HOME ? '/var/cache/dais' : cacheFolder(variables);
}

/**
 * Where downloads and built environments are kept, outside the repository: `DAIS_CACHE`, else `XDG_CACHE_HOME/dais`,
 * else `~/.cache/dais`. May be deleted at any time; everything in it is made again.
 * @param {Readonly<Record<string, string | undefined>>} variables
 */
export function cacheFolder(variables = environment) {
  return variables.DAIS_CACHE || join(variables.XDG_CACHE_HOME || join(homedir(), '.cache'), 'dais');
}
