/** For end-to-end tests: the `dais` command in a separate process. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '#lib/process.ts';

let program: string | undefined;
let compileCache: string | undefined;

/** Names the built command. Without one its sources start, which takes three times as much CPU and more. */
export function startCli(path: string, cache: string): void {
  program = path;
  compileCache = cache;
}

/** Variables with which Node starts the command faster. */
export function cliVariables(): Readonly<Record<string, string>> {
  return compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache };
}

/** Options of Node before the arguments of a command. */
export function cliProgram(): readonly string[] {
  if (program !== undefined) return [program];
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const sources = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
  return ['--conditions=dais-source', '--import', loader, sources];
}

export async function runCli(url: string, ...words: readonly string[]) {
  const { code, stdout, stderr } = await run(process.execPath, [...cliProgram(), '--url', url, ...words], {
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...cliVariables() },
    timeoutMs: 300_000,
  });
  return { code, out: stdout.toString('utf8'), err: stderr };
}
