/** For tests of the whole: the `dais` command from its sources, in a process of its own. */
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '#lib/process.ts';

export async function runCli(url: string, ...words: readonly string[]) {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const program = fileURLToPath(new URL('../../../cli/src/main.ts', import.meta.url));
  const { code, stdout, stderr } = await run(
    process.execPath,
    ['--conditions=dais-source', '--import', loader, program, '--url', url, ...words],
    { env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent' }, timeoutMs: 300_000 },
  );
  return { code, out: stdout.toString('utf8'), err: stderr };
}
