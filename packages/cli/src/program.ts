/** The parser, built from the list of commands. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { commandGroups, type CommandDefinition, type OptionDefinition } from '#commands/definition.ts';
import { commandFamilies, commands, globalOptions } from '#commands/list.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import type { GlobalOptions } from '#context.ts';
import type { Terminal } from '#output/terminal.ts';
import { parseDuration } from '#output/age.ts';

/** A parsed command line. */
export interface Invocation {
  readonly definition: CommandDefinition;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: GlobalOptions;
}

export type Parsed = { readonly invocation: Invocation } | { readonly exitCode: ExitCode };

/** Width of the help without a terminal. */
const HELP_COLUMNS = 100;

/** Parses the words after `dais`. Prints help and errors to the terminal. */
export async function parseCommandLine(words: readonly string[], terminal: Terminal, version: string): Promise<Parsed> {
  let invocation: Invocation | undefined;
  const program = buildProgram(terminal, version, (found) => {
    invocation = found;
  });
  try {
    await program.parseAsync(words.length === 0 ? ['--help'] : wordsToParse(program, words), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { exitCode: error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code };
  }
  if (invocation === undefined) throw new Error('a command line was read, but no command was found');
  return { invocation };
}

/**
 * Commander answers `dais UNKNOWN --help` with the root help and exit code 0. Without the flag it reports the unknown
 * command.
 */
function wordsToParse(program: Command, words: readonly string[]): string[] {
  let command = program;
  for (const word of words) {
    if (word.startsWith('-')) break;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) {
      const expectsCommand = command.commands.length > 0;
      return expectsCommand ? words.filter((one) => one !== '--help' && one !== '-h') : [...words];
    }
    command = next;
  }
  return [...words];
}

function buildProgram(terminal: Terminal, version: string, found: (invocation: Invocation) => void): Command {
  const program = new Command('dais');
  prepare(program, terminal);
  program
    .description('Dais: the ML platform for standard clients.')
    .version(version, '-V, --version', 'print the version of the CLI')
    .helpOption('-h, --help', 'show help; also: dais help COMMAND')
    .helpCommand(false)
    .addHelpText('after', () => `\n${firstSteps}\n\n${exitCodeHelp()}`);
  for (const option of globalOptions) program.addOption(makeOption(option));
  const families = new Map<string, Command>();
  for (const group of commandGroups) {
    program.commandsGroup(`${group}:`);
    for (const definition of commands.filter((one) => one.group === group)) {
      const [family, member] = definition.name.split(' ');
      if (family === undefined || member === undefined) {
        addCommand(program, definition.name, definition, terminal, found);
        continue;
      }
      let parent = families.get(family);
      if (parent === undefined) {
        parent = program
          .command(family)
          .description(commandFamilies[family] ?? '')
          .helpCommand(false);
        prepare(parent, terminal);
        families.set(family, parent);
      }
      addCommand(parent, member, definition, terminal, found);
    }
  }
  program.commandsGroup('Around:');
  program
    .command('help [command...]')
    .description('Show the help of a command')
    .action((path: readonly string[]) => {
      const named = path.reduce<Command | undefined>(
        (at, word) => at?.commands.find((command) => command.name() === word),
        program,
      );
      // Help for an unknown command is reported the same way.
      if (named === undefined)
        program.error(`error: unknown command '${path.join(' ')}'`, { code: 'commander.unknownCommand' });
      else named.help();
    });
  return program;
}

function prepare(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(usageError(text, command, terminal)),
      getOutHelpWidth: () => Math.min(terminal.columns ?? HELP_COLUMNS, 120),
      getErrHelpWidth: () => Math.min(terminal.columns ?? HELP_COLUMNS, 120),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true });
}

function usageError(text: string, command: Command, terminal: Terminal): string {
  const path = [];
  for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
  const message = text
    .replace(/^error: /, '')
    .replace('(Did you mean one of', '(did you mean one of')
    .replace('(Did you mean', '(did you mean');
  return `${terminal.errStyle.fail('error:')} ${message.trimEnd().replace('\n(', ' (')}\n  See ${path.join(' ')} --help.\n`;
}

function addCommand(
  parent: Command,
  name: string,
  definition: CommandDefinition,
  terminal: Terminal,
  found: (invocation: Invocation) => void,
): void {
  const command = parent.command(name).summary(definition.summary);
  prepare(command, terminal);
  command.description(
    definition.details === undefined ? `${definition.summary}.` : `${definition.summary}.\n${definition.details}`,
  );
  for (const argument of definition.arguments ?? []) {
    const made = new Argument(argument.syntax, argument.description);
    command.addArgument(argument.choices === undefined ? made : made.choices(argument.choices));
  }
  for (const option of definition.options ?? []) command.addOption(makeOption(option));
  command.addHelpText('after', `\nExamples:\n${exampleLines(definition)}`);
  command.action((...given: unknown[]) => {
    const options = command.opts<Record<string, unknown>>();
    const globals = command.optsWithGlobals<GlobalOptions>();
    // Commander passes each argument in order, a list for a variadic one, then options and command.
    const args = given
      .slice(0, -2)
      .flat()
      .filter((word): word is string => typeof word === 'string');
    found({ definition, args, options, globals });
  });
}

function makeOption(definition: OptionDefinition): Option {
  const option = new Option(definition.flags, definition.description);
  if (definition.choices !== undefined) option.choices(definition.choices);
  if (definition.type !== undefined) option.argParser(readers[definition.type]);
  if (definition.repeatable === true) {
    option.argParser((value: string, before: readonly string[] | undefined) => {
      if (definition.choices?.includes(value) === false) {
        throw new InvalidArgumentError(`Allowed choices are ${definition.choices.join(', ')}.`);
      }
      return [...(before ?? []), value];
    });
  }
  if (definition.default !== undefined) {
    const { type, default: value } = definition;
    option.default(type === undefined ? value : readers[type](String(value)), String(value));
  }
  if (definition.required === true) option.makeOptionMandatory();
  return option;
}

const readers = {
  integer: (text: string): number => {
    if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Not a whole number.');
    return Number(text);
  },
  duration: (text: string): number => {
    const ms = parseDuration(text);
    if (ms === undefined) throw new InvalidArgumentError('Not a duration such as 90s, 5m or 1h.');
    return ms;
  },
};

function exampleLines({ examples }: CommandDefinition): string {
  const width = Math.min(58, Math.max(...examples.map((example) => example.command.length)));
  return examples.map(({ command, does }) => `  dais ${command.padEnd(width)}   # ${does}`).join('\n');
}

const firstSteps = `First steps:
  dais up                      # start Dais; in another terminal:
  dais explain                 # what there is
  dais explain Secret --example > secret.yaml
  dais apply -f secret.yaml
  dais get secrets`;

function exitCodeHelp(): string {
  const lines = Object.values(exitCodes).map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}`);
  return `Exit codes:\n${lines.join('\n')}`;
}
