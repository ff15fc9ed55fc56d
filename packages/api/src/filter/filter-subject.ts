/** The subject of a clause or an order: `metrics.loss`, `` tags.`a b` ``, `status`. */
import { filterError } from '#filter/filter-problem.ts';
import type { FilterEntity, FilterFamily, FilterValueType } from '#filter/filter-entity.ts';
import type { FilterToken } from '#filter/filter-lexer.ts';
import type { FilterSpan } from '#filter/filter-tree.ts';
import { nearest } from '#nearest.ts';

/** The subject as written, before validation. */
export interface WrittenSubject {
  /** Absent for a bare key. */
  readonly word?: string;
  readonly key: string;
  readonly span: FilterSpan;
  /** Number of tokens. */
  readonly tokens: number;
}

export interface Subject {
  readonly family: FilterFamily;
  /** As written. */
  readonly alias: string;
  /** Canonical. */
  readonly key: string;
  readonly value: FilterValueType;
  readonly span: FilterSpan;
}

const NAMES = ['word', 'name', 'double', 'text'];

/** Undefined when no subject starts at `at`. */
export function readSubject(tokens: readonly FilterToken[], at: number): WrittenSubject | undefined {
  const [first, dot, second] = tokens.slice(at, at + 3);
  if (first === undefined || !NAMES.includes(first.kind) || first.kind === 'text') return undefined;
  const joined =
    dot?.kind === 'dot' &&
    first.kind !== 'double' &&
    second !== undefined &&
    (NAMES.includes(second.kind) || second.kind === 'number') &&
    dot.offset === endOf(first) &&
    second.offset === endOf(dot);
  if (joined) return { word: first.text, key: second.text, span: spanOf(first, second), tokens: 3 };
  const span = spanOf(first, first);
  const split = first.kind === 'word' ? first.text.indexOf('.') : -1;
  if (split < 0) return { key: first.text, span, tokens: 1 };
  return { word: first.text.slice(0, split), key: first.text.slice(split + 1), span, tokens: 1 };
}

/** The subject of `span.attributes.model` is `model`, that of `span.name` is `name`. */
function atLongestWord(
  families: readonly FilterFamily[],
  { word, key }: WrittenSubject,
): Pick<WrittenSubject, 'word' | 'key'> {
  if (word === undefined) return { key };
  const written = `${word}.${key}`;
  const longest = families
    .flatMap(({ words }) => words)
    .find((one) => one.length > word.length && one.startsWith(`${word}.`) && written.startsWith(`${one}.`));
  return longest === undefined ? { word, key } : { word: longest, key: written.slice(longest.length + 1) };
}

/**
 * @throws DaisError `invalid_request` when the entity has no such family or key.
 */
export function findSubject(
  entity: FilterEntity,
  written: WrittenSubject,
  where: { readonly path: string; readonly text: string },
): Subject {
  const { span } = written;
  const { families } = entity;
  const { word, key: alias } = atLongestWord(families, written);
  const refuse = (message: string, valid: readonly string[], nearTo: string) =>
    filterError(where.path, where.text, span, message, {
      expected: `one of ${valid.join(', ')}`,
      nearest: nearest(nearTo, valid),
    });
  const family = families.find(({ name, words }) => (word === undefined ? name === entity.bare : words.includes(word)));
  if (family === undefined) {
    const names = families.map(({ name }) => `'${name}'`).join(', ');
    throw refuse(
      `Invalid entity type '${word}'. Valid values are [${names}]`,
      families.flatMap(({ words }) => words),
      word ?? '',
    );
  }
  const { keys } = family;
  if (keys === undefined) {
    if (family.value === undefined) throw new Error(`the family ${family.name} has neither keys nor a value`);
    return { family, alias, key: alias, value: family.value, span };
  }
  const known = keys.find(({ name, aliases }) => name === alias || aliases?.includes(alias) === true);
  if (known === undefined) {
    const valid = keys.map(({ name }) => name);
    const list = valid.map((name) => `'${name}'`).join(', ');
    throw refuse(`Invalid ${family.name} key '${alias}' specified. Valid keys are ${list}`, valid, alias);
  }
  return { family, alias, key: known.name, value: known.value, span };
}

export function endOf({ offset, raw }: FilterToken): number {
  return offset + raw.length;
}

export function spanOf(first: FilterToken, last: FilterToken): FilterSpan {
  return { offset: first.offset, length: endOf(last) - first.offset };
}
