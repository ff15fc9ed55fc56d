import type { Run } from '#context.ts';

/** A command as data: what the parser, the help, completions and the reference pages are made from. */
export interface CommandDefinition {
  /** `get`, `admin backup`. */
  readonly name: string;
  readonly group: CommandGroup;
  /** One line, without a full stop; stands in the list of commands. */
  readonly summary: string;
  /** Further sentences for the command's own help. */
  readonly details?: string;
  readonly arguments?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  readonly examples: readonly Example[];
  /** Loads what does the work: only when the command is run, so that the others stay quick. */
  readonly load: () => Promise<{ readonly run: Run }>;
}

export const commandGroups = [
  'Manifests',
  'Resources',
  'Data',
  'Runs',
  'Serving',
  'Accounts',
  'Server',
  'Around',
] as const;
export type CommandGroup = (typeof commandGroups)[number];

export interface ArgumentDefinition {
  /** `<kind>`, `[name]`, `[names...]` */
  readonly syntax: string;
  readonly description: string;
  /** What a shell may complete it with. */
  readonly completes?: 'kind' | 'name' | 'field' | 'shell' | 'config';
  readonly choices?: readonly string[];
}

export interface OptionDefinition {
  /** `-f, --file <path>` */
  readonly flags: string;
  readonly description: string;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  /** May be given several times; the value is then a list. */
  readonly repeatable?: true;
  readonly required?: true;
  /** How the text is read. */
  readonly type?: 'integer' | 'duration';
  readonly completes?: 'file' | 'folder' | 'kind' | 'project';
}

export interface Example {
  /** Without `dais` in front. */
  readonly command: string;
  /** What it does, after `#`. */
  readonly does: string;
}
