import type { KindSpec } from '@dais/api';

/** A command of `dais` that can be pasted into a shell. `default` needs no `-p`. */
export function cliCommand(words: readonly string[], kind: KindSpec, project: string): string {
  return daisCommand(words, kind.scope === 'org' ? undefined : project);
}

/** `project`: undefined for organization resources. */
export function daisCommand(words: readonly string[], project: string | undefined): string {
  const projectOption = project === undefined || project === 'default' ? [] : ['-p', project];
  return ['dais', ...words, ...projectOption].map(shellWord).join(' ');
}

/** Quotes one word for a shell, whatever characters it has. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
