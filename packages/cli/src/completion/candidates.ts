/** Completions of a command line. Pure functions: the names come from a callback. */
import { configFields, findKind, kinds } from '@dais/api';
import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';
import { commandFamilies, commands, globalOptions } from '#commands/list.ts';
import { kindFields } from '#explain/field-lookup.ts';
import { shells } from '#completion/scripts.ts';

export interface Candidate {
  readonly word: string;
  readonly meaning: string;
}

/** The shell's file completion, or candidates. */
export type Candidates = 'files' | readonly Candidate[];

/** Names of a kind's resources from a server; empty without a response. */
export type NamesOf = (kind: string) => Promise<readonly string[]>;

/** `words`: after `dais`; the last one is incomplete, possibly empty. */
export async function candidatesFor(words: readonly string[], namesOf: NamesOf): Promise<Candidates> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { definition, family, rest } = findCommand(before);
  const options = [...(definition?.options ?? []), ...globalOptions];
  const open = openOption(rest, options);
  if (open !== undefined) return await optionValues(open, current, namesOf);
  if (current.startsWith('-')) return startingWith(current, options.flatMap(optionWords));
  if (definition === undefined) return startingWith(current, commandWords(family));
  return await argumentValues(definition, positionals(rest, options), current, namesOf);
}

function findCommand(words: readonly string[]) {
  const plain = positionals(words, globalOptions);
  const [first, second] = plain;
  const family = first !== undefined && commandFamilies[first] !== undefined ? first : undefined;
  const name = family === undefined ? first : second === undefined ? undefined : `${family} ${second}`;
  const definition = commands.find((command) => command.name === name);
  return { definition, family, rest: definition === undefined ? words : afterName(words, definition.name.split(' ')) };
}

function afterName(words: readonly string[], name: readonly string[]): readonly string[] {
  let at = 0;
  for (const part of name) at = words.indexOf(part, at) + 1;
  return words.slice(at);
}

/** Words other than options and their values. */
function positionals(words: readonly string[], options: readonly OptionDefinition[]): string[] {
  const plain: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (!word.startsWith('-') || word === '-') plain.push(word);
    else if (!word.includes('=') && takesValue(findOption(word, options))) at++;
  }
  return plain;
}

function openOption(words: readonly string[], options: readonly OptionDefinition[]): OptionDefinition | undefined {
  const last = words.at(-1);
  const option = last === undefined || last.includes('=') ? undefined : findOption(last, options);
  return takesValue(option) ? option : undefined;
}

function findOption(word: string, options: readonly OptionDefinition[]): OptionDefinition | undefined {
  return options.find((option) => option.flags.split(/[ ,]+/).includes(word));
}

function takesValue(option: OptionDefinition | undefined): boolean {
  return option?.flags.includes('<') === true;
}

function optionWords(option: OptionDefinition): Candidate[] {
  const long = /--[a-z-]+/.exec(option.flags)?.[0];
  return long === undefined ? [] : [{ word: long, meaning: option.description }];
}

async function optionValues(option: OptionDefinition, current: string, namesOf: NamesOf): Promise<Candidates> {
  if (option.choices !== undefined)
    return startingWith(
      current,
      option.choices.map((word) => ({ word, meaning: '' })),
    );
  if (option.completes === 'file' || option.completes === 'folder') return 'files';
  if (option.completes === 'project') return startingWith(current, named(await namesOf('Project'), 'Project'));
  if (option.completes === 'target') return startingWith(current, named(await namesOf('Target'), 'Target'));
  return [];
}

function commandWords(family: string | undefined): Candidate[] {
  if (family !== undefined) {
    return commands
      .filter((command) => command.name.startsWith(`${family} `))
      .map((command) => ({ word: command.name.slice(family.length + 1), meaning: command.summary }));
  }
  return [
    ...commands
      .filter((command) => !command.name.includes(' '))
      .map(({ name, summary }) => ({ word: name, meaning: summary })),
    ...Object.entries(commandFamilies).map(([word, meaning]) => ({ word, meaning })),
    { word: 'help', meaning: 'Show the help of a command' },
  ];
}

async function argumentValues(
  definition: CommandDefinition,
  given: readonly string[],
  current: string,
  namesOf: NamesOf,
): Promise<Candidates> {
  const list = definition.arguments ?? [];
  const argument = list[given.length] ?? (list.at(-1)?.syntax.includes('...') === true ? list.at(-1) : undefined);
  switch (argument?.completes) {
    case 'kind':
      return await kindOrName(current, namesOf);
    case 'name': {
      const kind = findKind(given[0] ?? '');
      const names = kind === undefined ? [] : await namesOf(kind.kind);
      return startingWith(
        current,
        named(
          names.filter((name) => !given.includes(name)),
          kind?.kind ?? '',
        ),
      );
    }
    case 'target':
      return startingWith(current, named(await namesOf('Target'), 'Target'));
    case 'field':
      return fieldValues(current);
    case 'config':
      return startingWith(
        current,
        configFields().map((field) => ({ word: field.path, meaning: field.description })),
      );
    case 'shell':
      return startingWith(
        current,
        shells.map((word) => ({ word, meaning: '' })),
      );
    default:
      return argument === undefined ? [] : 'files';
  }
}

/** `secr` → secrets; `secret/c` → secret/chat-webhook. */
async function kindOrName(current: string, namesOf: NamesOf): Promise<readonly Candidate[]> {
  const slash = current.indexOf('/');
  if (slash === -1)
    return startingWith(
      current,
      kinds.map((kind) => ({ word: kind.plural, meaning: kind.description })),
    );
  const word = current.slice(0, slash);
  const kind = findKind(word);
  const names = kind === undefined ? [] : await namesOf(kind.kind);
  return startingWith(
    current,
    named(
      names.map((name) => `${word}/${name}`),
      kind?.kind ?? '',
    ),
  );
}

function fieldValues(current: string): readonly Candidate[] {
  const dot = current.indexOf('.');
  if (dot === -1)
    return startingWith(
      current,
      kinds.map((kind) => ({ word: kind.kind, meaning: kind.description })),
    );
  const kind = findKind(current.slice(0, dot));
  if (kind === undefined) return [];
  const rows = kindFields(kind).written.map((row) => ({
    word: `${current.slice(0, dot)}.${row.path}`,
    meaning: row.description,
  }));
  return startingWith(current, rows);
}

function named(names: readonly string[], meaning: string): Candidate[] {
  return names.map((word) => ({ word, meaning }));
}

function startingWith(start: string, candidates: readonly Candidate[]): readonly Candidate[] {
  const seen = new Set<string>();
  return candidates.filter(({ word }) => {
    if (!word.startsWith(start) || seen.has(word)) return false;
    seen.add(word);
    return true;
  });
}
