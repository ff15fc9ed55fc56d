/** Lines that set and unset variables, for the shell that evaluates them. Pure functions. */

export const shellNames = ['sh', 'bash', 'zsh', 'fish', 'powershell'] as const;
export type ShellName = (typeof shellNames)[number];

export interface VariableChanges {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

/**
 * Each line ends with `;`: an `eval $(…)` without quotes joins all lines with spaces. For the same reason there are no
 * comments in them.
 */
export function shellLines(shell: ShellName, changes: VariableChanges): string {
  const { set, unset, quote } = languages[shell === 'fish' || shell === 'powershell' ? shell : 'posix'];
  const lines = [
    ...changes.unset.map((name) => unset(name)),
    ...Object.entries(changes.set).map(([name, value]) => set(name, quote(value))),
  ];
  return lines.map((line) => `${line};\n`).join('');
}

/** The command with which a user evaluates the lines. */
export function evaluating(shell: ShellName, command: string): string {
  if (shell === 'fish') return `${command} | source`;
  if (shell === 'powershell') return `${command} | Out-String | Invoke-Expression`;
  return `eval "$(${command})"`;
}

interface Language {
  readonly set: (name: string, quoted: string) => string;
  readonly unset: (name: string) => string;
  readonly quote: (value: string) => string;
}

const languages: Readonly<Record<'posix' | 'fish' | 'powershell', Language>> = {
  posix: {
    set: (name, quoted) => `export ${name}=${quoted}`,
    unset: (name) => `unset ${name}`,
    quote: (value) => `'${value.replaceAll("'", `'\\''`)}'`,
  },
  fish: {
    set: (name, quoted) => `set -gx ${name} ${quoted}`,
    unset: (name) => `set -e ${name}`,
    quote: (value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", `\\'`)}'`,
  },
  powershell: {
    set: (name, quoted) => `$Env:${name} = ${quoted}`,
    unset: (name) => `Remove-Item -ErrorAction SilentlyContinue Env:${name}`,
    // PowerShell also ends a quoted text at typographic quotes.
    quote: (value) => `'${value.replaceAll(/['‘’‚‛]/g, '$&$&')}'`,
  },
};
