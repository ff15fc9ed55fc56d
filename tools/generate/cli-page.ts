import {
  commandGroups,
  type CommandDefinition,
  type OptionDefinition,
} from '../../packages/cli/src/commands/definition.ts';
import { commandFamilies, commands, globalOptions } from '../../packages/cli/src/commands/list.ts';
import { exitCodes } from '../../packages/cli/src/exit-codes.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, fence, page, table, text } from './markdown.ts';

/** Every command of `dais`, from the same list that the parser and the help are made from. */
export function cliPage(): GeneratedFile {
  return {
    path: `${REFERENCE}/cli.md`,
    text: page('Command line', 'packages/cli/src/commands', [
      '`dais --help` lists the commands, `dais COMMAND --help` shows one with examples. A kind can be written as `Secret`, `secret`, `secrets` or its short name. `KIND/NAME` is one argument.',
      ...commandGroups.map((group) => overview(group)),
      '## Options of every command',
      options(globalOptions),
      '## Exit codes {#exit-codes}',
      'A script can decide by the code what to do next.',
      table(
        ['Code', 'Meaning'],
        Object.values(exitCodes).map((exit) => [String(exit.code), text(exit.meaning)]),
      ),
      ...commands.flatMap(command),
    ]),
  };
}

function overview(group: string): string {
  const own = commands.filter((definition) => definition.group === group);
  const rows = own.map((definition) => [
    `[${code(`dais ${definition.name}`)}](#${anchor(definition)})`,
    text(definition.summary),
  ]);
  return table([group, ''], rows);
}

function command(definition: CommandDefinition): string[] {
  const words = (definition.arguments ?? []).map((argument) => argument.syntax);
  const [family = ''] = definition.name.split(' ');
  const within = commandFamilies[family];
  return [
    `## dais ${definition.name} {#${anchor(definition)}}`,
    `${text(definition.summary)}. ${definition.details === undefined ? '' : text(definition.details)}`.trimEnd(),
    within === undefined ? '' : `One of \`dais ${family}\`: ${text(within)}.`,
    fence(
      'sh',
      ['dais', definition.name, ...words, ...(definition.options === undefined ? [] : ['[options]'])].join(' '),
    ),
    table(
      ['Argument', ''],
      (definition.arguments ?? []).map((argument) => [
        code(argument.syntax),
        text(argument.description) + choices(argument.choices),
      ]),
    ),
    options(definition.options ?? []),
    fence('sh', definition.examples.map((example) => `dais ${example.command}   # ${example.does}`).join('\n')),
  ];
}

function options(list: readonly OptionDefinition[]): string {
  return table(
    ['Option', '', 'Default'],
    list.map((option) => [
      code(option.flags),
      [
        text(option.description) + choices(option.choices),
        ...(option.required === true ? ['required'] : []),
        ...(option.repeatable === true ? ['may be given several times'] : []),
      ].join('; '),
      option.default === undefined ? '' : code(String(option.default)),
    ]),
  );
}

function choices(values: readonly string[] | undefined): string {
  return values === undefined ? '' : `: ${values.map(code).join(', ')}`;
}

function anchor(definition: CommandDefinition): string {
  return definition.name.replaceAll(' ', '-');
}
