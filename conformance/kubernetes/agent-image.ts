/** The image of the agent of pods: Node with its libraries, the bundled agent, and the shim. No shell and no package manager. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { root, runCommand } from '../../tools/command.mjs';
import { shimProgram } from '../../tools/shim.mjs';
import { writeOciArchive } from './oci-archive.ts';

export const AGENT_IMAGE = 'localhost/dais-agent:1';
const PROGRAM = join(root, 'packages/server/src/engines/compute/kubernetes/agent/agent-program.ts');
/** As in the image of Dais. */
const FOLDER = '/opt/dais/agent';
/**
 * A line with one argument, as the kernel passes it. A young generation of 2 MiB instead of 16: the agent has a limit of 192 MiB, and
 * needs 110 to 130 MiB instead of 150 while it stores 100 MB of log and 50 MB of outputs.
 */
const FIRST_LINE = '#!/usr/local/bin/node --max-semi-space-size=2';

/** Writes the archive of `AGENT_IMAGE`. */
export async function writeAgentImage(archive: string): Promise<void> {
  const files = mkdtempSync(join(tmpdir(), 'dais-agent-image-'));
  try {
    for (const [from, to] of [
      [process.execPath, '/usr/local/bin/node'],
      ...(await librariesOf(process.execPath)).map((path) => [path, path]),
    ]) {
      copy(from ?? '', join(files, to ?? ''));
    }
    copy(await shimProgram(process.arch === 'arm64' ? 'arm64' : 'x64'), join(files, FOLDER, 'shim'));
    writeFileSync(join(files, FOLDER, 'agent'), `${FIRST_LINE}\n${await bundleAgent()}`);
    chmodSync(join(files, FOLDER, 'agent'), 0o755);
    await writeOciArchive(files, { name: AGENT_IMAGE }, archive);
  } finally {
    rmSync(files, { recursive: true, force: true });
  }
}

/** The dynamic libraries of a program, with its loader. */
async function librariesOf(program: string): Promise<string[]> {
  const { code, output } = await runCommand('ldd', [program], { quiet: true });
  if (code !== 0) throw new Error(`ldd ${program} ended with ${code}:\n${output}`);
  return [...output.matchAll(/(\/\S+) \(0x/g)].map(([, path = '']) => path);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

/** Returns the agent with everything that it imports, as one ES module. */
export async function bundleAgent(): Promise<string> {
  const bundle = await rolldown({
    input: PROGRAM,
    platform: 'node',
    resolve: { conditionNames: ['dais-source', 'node', 'import', 'default'] },
  });
  try {
    const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
    return output[0].code;
  } finally {
    await bundle.close();
  }
}
