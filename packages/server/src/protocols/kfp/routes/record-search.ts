/** Translates filter and order of a list to a record search. */
import type { RecordCondition, RecordSearch } from '@dais/api/tracking';
import { splitId } from '../projects.ts';
import type { FilterOperation, Predicate } from '../wire/filter.ts';
import type { ListRequest } from '../wire/list-request.ts';
import { invalid } from '../wire/rpc-status.ts';

/** The field of a record for a field of the protocol. */
export interface SearchField {
  readonly field: string;
  readonly type: 'id' | 'text' | 'moment' | 'words';
  /** For `words`: the conditions of each value; other values match nothing. */
  readonly words?: Readonly<Record<string, readonly RecordCondition[]>>;
  /** For `words`: the conditions of all other values. */
  readonly others?: Readonly<Record<string, readonly RecordCondition[]>>;
}

export type SearchFields = Readonly<Record<string, SearchField>>;

const SIGNS = {
  EQUALS: '=',
  NOT_EQUALS: '!=',
  GREATER_THAN: '>',
  GREATER_THAN_EQUALS: '>=',
  LESS_THAN: '<',
  LESS_THAN_EQUALS: '<=',
  IN: 'in',
  IS_SUBSTRING: 'contains',
} as const satisfies Readonly<Record<FilterOperation, RecordCondition['is']>>;

type Condition = { field: string; is: RecordCondition['is']; value: string | number | boolean | string[] };
export type Search = Omit<RecordSearch, 'where' | 'sortBy'> & { readonly where: Condition[]; readonly sortBy?: string };

/** @throws RpcError `INVALID_ARGUMENT` */
export function recordSearch(
  { predicates, sortBy, limit, cursor }: ListRequest,
  fields: SearchFields,
  also: readonly RecordCondition[] = [],
): Search {
  return {
    where: [...also, ...predicates.flatMap((one) => conditions(one, fields))].map(mutable),
    ...(sortBy !== undefined && { sortBy: sortField(sortBy.field, fields) }),
    descending: sortBy?.descending ?? false,
    limit,
    ...(cursor !== undefined && { cursor }),
    count: true,
  };
}

function mutable({ field, is, value }: RecordCondition): Condition {
  return { field, is, value: typeof value === 'object' ? [...value] : value };
}

function sortField(name: string, fields: SearchFields): string {
  const known = fields[name];
  if (known !== undefined && known.type !== 'words') return known.field;
  const names = Object.keys(fields).filter((one) => fields[one]?.type !== 'words');
  throw invalid(`Cannot sort on field ${name}. Supported fields [${names.join(', ')}]`);
}

function conditions({ operation, key, value }: Predicate, fields: SearchFields): readonly RecordCondition[] {
  const known = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (known === undefined) {
    const names = Object.keys(fields).join(', ');
    throw invalid(`no support for filtering on unrecognized field ${JSON.stringify(key)}; supported are ${names}`);
  }
  if (known.type === 'moment') return moments(operation, key, known.field, value);
  const texts = 'text' in value ? [value.text] : 'texts' in value ? value.texts : undefined;
  if (texts === undefined) throw invalid(`${key} must be compared with a string`);
  if (known.type === 'words') return words(operation, key, known, texts);
  const given = known.type === 'id' ? texts.map((text) => splitId(text).id) : texts;
  return [{ field: known.field, is: SIGNS[operation], value: operation === 'IN' ? given : (given[0] ?? '') }];
}

function words(
  operation: FilterOperation,
  key: string,
  { field, words: known = {}, others = {} }: SearchField,
  texts: readonly string[],
): readonly RecordCondition[] {
  const nothing: RecordCondition = { field, is: 'in', value: [] };
  const [only] = texts;
  if (operation === 'NOT_EQUALS') return (only === undefined ? undefined : others[only]) ?? [];
  if (operation !== 'EQUALS' && operation !== 'IN') {
    throw invalid(`${operation} is not supported for ${key}; use EQUALS, NOT_EQUALS or IN`);
  }
  const meant = texts.flatMap((text) => (known[text] === undefined ? [] : [known[text]]));
  if (meant.length === 0) return [nothing];
  if (meant.length === 1) return meant[0] ?? [];
  const values = meant.flat();
  if (values.every(({ is }) => is === 'in')) {
    return [{ field, is: 'in', value: values.flatMap(({ value }) => value as readonly string[]) }];
  }
  // Two mutually exclusive values: no restriction.
  return [];
}

/** Times of the protocol are whole seconds: each represents its whole second. */
function moments(
  operation: FilterOperation,
  key: string,
  field: string,
  value: Predicate['value'],
): readonly RecordCondition[] {
  const ms = 'moment' in value ? value.moment : 'number' in value ? value.number * 1000 : undefined;
  if (ms === undefined || operation === 'IN' || operation === 'IS_SUBSTRING' || operation === 'NOT_EQUALS') {
    throw invalid(`${key} must be compared with a time or a number of seconds, by EQUALS or an order comparison`);
  }
  const from = Math.floor(ms / 1000) * 1000;
  const to = from + 1000;
  const at = (is: RecordCondition['is'], moment: number): RecordCondition => ({ field, is, value: moment });
  switch (operation) {
    case 'EQUALS':
      return [at('>=', from), at('<', to)];
    case 'GREATER_THAN':
      return [at('>=', to)];
    case 'LESS_THAN_EQUALS':
      return [at('<', to)];
    case 'LESS_THAN':
      return [at('<', from)];
    default:
      return [at('>=', from)];
  }
}
