/** Returns the `node_modules` folder with exactly the packages of the lock file in `folder`. */
export function npmPeer(name: string, folder: string): Promise<string>;
