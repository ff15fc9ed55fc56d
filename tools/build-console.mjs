/** Builds the console into packages/web/dist, compresses its files, and holds it to its budget. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { root, runCommand } from './command.mjs';
import { budgetProblems, budgetLine } from './console-budget.mjs';

const web = join(root, 'packages', 'web');

/** Below this size a compressed copy saves no packet. */
const WORTH_COMPRESSING = 1024;

/**
 * @returns {Promise<string>} the size of the first view, for the build output
 * @throws Error with the output of vite, or with the list of chunks over budget
 */
export async function buildConsole() {
  const dist = join(web, 'dist');
  const { code, output } = await runCommand('vite', ['build', web, '--logLevel', 'warn'], {
    quiet: true,
    env: { NODE_ENV: 'production', NO_COLOR: '1' },
  });
  if (code !== 0) throw new Error(`the console could not be built:\n${output}`);
  const manifest = JSON.parse(readFileSync(join(dist, '.vite', 'manifest.json'), 'utf8'));
  const size = (/** @type {string} */ file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
  const problems = budgetProblems(manifest, size);
  if (problems.length > 0) throw new Error(`the console is over its budget:\n${problems.join('\n')}`);
  // The names of the sources are of no use to a browser.
  rmSync(join(dist, '.vite'), { recursive: true });
  compress(join(dist, 'assets'));
  return budgetLine(manifest, size);
}

/** @param {string} folder */
function compress(folder) {
  for (const name of readdirSync(folder)) {
    if (!/\.(js|css|svg)$/.test(name)) continue;
    const file = join(folder, name);
    const bytes = readFileSync(file);
    if (bytes.length < WORTH_COMPRESSING) continue;
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}
