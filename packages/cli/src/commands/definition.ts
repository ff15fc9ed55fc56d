import type { Run } from '#context.ts';

/** A command as data, from which the parser, the help, completions and the reference pages are built. */
export interface CommandDefinition {
  /** `get`, `admin backup`. */
  readonly name: string;
  readonly group: CommandGroup;
  /** One line without a period, for the list of commands. */
  readonly summary: string;
  /** Further sentences for the command's own help. */
  readonly details?: string;
  readonly arguments?: readonly ArgumentDefinition[];
  readonly options?: readonly OptionDefinition[];
  readonly examples: readonly Example[];
  /** Loads the implementation only when the command runs, so that the others start quickly. */
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
  /** Source of shell completion. */
  readonly completes?: 'kind' | 'name' | 'field' | 'shell' | 'config' | 'target';
  readonly choices?: readonly string[];
}

export interface OptionDefinition {
  /** `-f, --file <path>` */
  readonly flags: string;
  readonly description: string;
  readonly default?: string | number | boolean;
  readonly choices?: readonly string[];
  /** The option is repeatable; its value is then a list. */
  readonly repeatable?: true;
  readonly required?: true;
  /** Parser of the text. */
  readonly type?: 'integer' | 'duration';
  readonly completes?: 'file' | 'folder' | 'kind' | 'project' | 'target';
}

export interface Example {
  /** Without the leading `dais`. */
  readonly command: string;
  /** Explanation, printed after `#`. */
  readonly does: string;
}
