#!/usr/bin/env node
/**
 * The `dais` command. It exists before the build, so that `npm ci` links it: npm skips a command whose file is missing.
 * It runs the build, and in a checkout without a build the sources. On an older Node, a checkout continues on its
 * pinned Node 24.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const runtime = new URL('../../../tools/runtime.mjs', import.meta.url);
const built = new URL('../dist/main.js', import.meta.url);
if (Number(process.versions.node.split('.')[0]) < 24) await continueOnNode24();
else if (existsSync(built)) await import('../dist/main.js');
else runSources();

async function continueOnNode24() {
  if (existsSync(runtime)) {
    const { continueOnPinnedNode } = await import('../../../tools/runtime.mjs');
    process.exitCode = await continueOnPinnedNode((/** @type {string} */ text) => void process.stderr.write(text));
    return;
  }
  process.stderr.write(
    `Dais needs Node 24 or newer; this is Node ${process.versions.node}. Install it from https://nodejs.org/en/download, or with ` +
      'your version manager: nvm install 24\n',
  );
  process.exitCode = 1;
}

/** Sources need a condition that only the command line of Node can set, so they run in a process of their own. */
function runSources() {
  const source = new URL('../src/main.ts', import.meta.url);
  const tsx = resolveTsx();
  if (tsx === undefined || !existsSync(source)) {
    process.stderr.write('dais is not built: run `npm ci`, then `npm run build`, in the folder of the repository.\n');
    process.exitCode = 1;
    return;
  }
  const child = spawn(
    process.execPath,
    ['--conditions=dais-source', '--import', tsx, fileURLToPath(source), ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  // A terminal sends SIGINT to both; the child decides how to end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 1;
    if (signal !== null) process.kill(process.pid, signal);
  });
}

/** @returns {string | undefined} */
function resolveTsx() {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  } catch {
    return undefined;
  }
}
