/** Returns the path of the program `pkg`, built from the modules of `go.mod` in `folder`. */
export function goPeer(pkg: string, folder: string): Promise<string>;
