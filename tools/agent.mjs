#!/usr/bin/env node
/**
 * Writes the programs of the agent of pods: node tools/agent.mjs DIR writes `agent`, one file with everything that it imports, and `shim`, the static
 * program that starts commands. The image of Dais has them in /opt/dais/agent, where pods start them.
 */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { root } from './command.mjs';
import { shimProgram } from './shim.mjs';

const PROGRAM = join(root, 'packages/server/src/engines/compute/kubernetes/agent/agent-program.ts');
/**
 * A line with one argument, as the kernel passes it. A young generation of 2 MiB instead of 16: the agent has a limit of 192 MiB, and
 * needs 110 to 130 MiB instead of 150 while it stores 100 MB of log and 50 MB of outputs.
 */
const FIRST_LINE = '#!/usr/local/bin/node --max-semi-space-size=2';

/**
 * Returns the agent with everything that it imports, as one ES module.
 * @returns {Promise<string>}
 */
export async function bundleAgent() {
  const bundle = await rolldown({
    input: PROGRAM,
    platform: 'node',
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
    // An unresolved import would fail only in a pod.
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    return output[0].code;
  } finally {
    await bundle.close();
  }
}

/**
 * Writes `agent` and `shim` for this machine.
 * @param {string} folder created when missing
 * @throws Error with the output of Go, or with what to install
 */
export async function writeAgent(folder) {
  mkdirSync(folder, { recursive: true });
  copyFileSync(await shimProgram(process.arch === 'arm64' ? 'arm64' : 'x64'), join(folder, 'shim'));
  writeFileSync(join(folder, 'agent'), `${FIRST_LINE}\n${await bundleAgent()}`);
  for (const name of ['agent', 'shim']) chmodSync(join(folder, name), 0o755);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, ...rest] = process.argv.slice(2);
  if (folder === undefined || rest.length > 0) {
    process.stderr.write('usage: node tools/agent.mjs DIR\n');
    process.exitCode = 2;
  } else {
    await writeAgent(resolve(folder));
  }
}
