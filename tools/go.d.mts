/** The path of `go`: that of the PATH if it can fetch other versions of itself, otherwise the pinned one. */
export function goProgram(): Promise<string>;

/** Whether a Go can fetch the version that a `go.mod` names; `text` is the output of `go version`. */
export function fetchesVersions(text: string): boolean;
