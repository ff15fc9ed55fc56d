/** The pinned version of uv. */
export const UV_VERSION: string;

/** What getting uv will download on this machine, in bytes; 0 when it is there. */
export function uvDownloadBytes(): number;

/** The path of the pinned uv; downloaded on first use, kept in the cache folder. */
export function uv(progress?: (done: number, total: number) => void): Promise<string>;

/** Puts the pinned wheel of uv for this platform into a folder; gives its path. */
export function uvWheel(folder: string): Promise<string>;

/** The environment in which to run uv. */
export function uvEnvironment(): Promise<NodeJS.ProcessEnv>;
