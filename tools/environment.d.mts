/** The variables of this process, for child processes that inherit them. */
export const environment: NodeJS.ProcessEnv;

/** The home folder of the current user. */
export function home(): string;

/** Where the programs of this user keep their settings. */
export function configFolder(): string;

/** Where programs are kept that other users of the machine must be able to run. Default: `environment`. */
export function programFolder(variables?: Readonly<Record<string, string | undefined>>): string;

/** Where downloads and built environments are kept, outside the repository. Default: `environment`. */
export function cacheFolder(variables?: Readonly<Record<string, string | undefined>>): string;
