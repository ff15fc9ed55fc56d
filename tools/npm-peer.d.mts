export function npmPeer(name: string, folder: string): Promise<string>;
