/** The image of the agent of pods: Node with its libraries, and the programs of the agent as in the image of Dais. No shell and no package manager. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeAgent } from '../../tools/agent.mjs';
import { runCommand } from '../../tools/command.mjs';
import { writeOciArchive } from './oci-archive.ts';

export const AGENT_IMAGE = 'localhost/dais-agent:1';

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
    await writeAgent(join(files, 'opt/dais/agent'));
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
