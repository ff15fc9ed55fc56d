/** Detects the user's shell. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { ShellName } from '#shell/shell-lines.ts';

/** Maximum number of processes between a shell and a command that npm or a wrapper starts. */
const MOST_PARENTS = 12;

const byProgram: Readonly<Record<string, ShellName>> = {
  bash: 'bash',
  zsh: 'zsh',
  fish: 'fish',
  pwsh: 'powershell',
  ksh: 'sh',
};

/**
 * The nearest shell above this process, because $SHELL names the login shell: a user of bash in a login of fish must
 * not evaluate lines for fish. A plain `sh` is skipped, as npm and wrappers start one. Where the system does not list
 * parent processes, $SHELL is used.
 */
export async function detectShell(
  parent: number,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<ShellName> {
  let pid = parent;
  for (let step = 0; step < MOST_PARENTS && pid > 1; step++) {
    const found = await processAt(pid);
    if (found === undefined) break;
    const shell = byProgram[found.program.replace(/^-/, '')];
    if (shell !== undefined) return shell;
    pid = found.parent;
  }
  return byProgram[basename(variables['SHELL'] ?? '')] ?? 'sh';
}

async function processAt(pid: number): Promise<{ readonly program: string; readonly parent: number } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The name is in parentheses and can contain parentheses itself.
    const [, program, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(text) ?? [];
    return program === undefined || parent === undefined ? undefined : { program, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
