/** Translates filter and order of a list of experiments to those of `experiment.search`. */
import type { FilterOperation, Predicate } from '../wire/filter.ts';
import type { ListRequest } from '../wire/list-request.ts';
import { splitId } from '../projects.ts';
import { invalid } from '../wire/rpc-status.ts';

/** The tag of an archived experiment. */
export const ARCHIVED_TAG = 'dais.archived';

/** Attributes by their current and older names in the protocol. */
const FIELDS: Readonly<Record<string, string>> = {
  id: 'experiment_id',
  experiment_id: 'experiment_id',
  name: 'name',
  display_name: 'name',
  created_at: 'creation_time',
};
const SUPPORTED = 'experiment_id, display_name, created_at, storage_state';

const SIGNS: Partial<Readonly<Record<FilterOperation, string>>> = {
  EQUALS: '=',
  NOT_EQUALS: '!=',
  GREATER_THAN: '>',
  GREATER_THAN_EQUALS: '>=',
  LESS_THAN: '<',
  LESS_THAN_EQUALS: '<=',
};

/** @throws RpcError `INVALID_ARGUMENT` */
export function experimentFilter(predicates: readonly Predicate[]): string {
  return predicates.flatMap(clauses).join(' AND ');
}

/** @throws RpcError `INVALID_ARGUMENT` */
export function experimentOrder(sortBy: ListRequest['sortBy']): readonly string[] {
  if (sortBy === undefined) return ['creation_time ASC', 'experiment_id ASC'];
  const field = FIELDS[sortBy.field];
  if (field === undefined) {
    throw invalid(`Cannot sort on field ${sortBy.field}. Supported fields [experiment_id, display_name, created_at]`);
  }
  const direction = sortBy.descending ? 'DESC' : 'ASC';
  return field === 'experiment_id'
    ? [`${field} ${direction}`]
    : [`${field} ${direction}`, `experiment_id ${direction}`];
}

function clauses({ operation, key, value }: Predicate): string[] {
  const texts = 'text' in value ? [value.text] : 'texts' in value ? value.texts : undefined;
  if (key === 'storage_state' && texts !== undefined) return [stateClause(operation, texts)];
  const field = FIELDS[key];
  if (field === undefined) {
    throw invalid(`no support for filtering on unrecognized field ${JSON.stringify(key)}; supported are ${SUPPORTED}`);
  }
  if (field === 'creation_time') return timeClauses(operation, value);
  if (texts === undefined) throw invalid(`${key} must be compared with a string`);
  if (field === 'experiment_id') {
    const ids = texts.map((text) => quoted(splitId(text).id)).join(', ');
    if (operation === 'EQUALS' || operation === 'IN') return [texts.length === 0 ? NOTHING : `${field} IN (${ids})`];
    if (operation === 'NOT_EQUALS') return [`${field} NOT IN (${ids})`];
    throw invalid(`${operation} is not supported for ${key}; use EQUALS, NOT_EQUALS or IN`);
  }
  if (operation === 'IS_SUBSTRING') return [`name LIKE ${quoted(`%${texts[0]}%`)}`];
  if (operation === 'IN' && texts.length === 0) return [NOTHING];
  if (operation === 'IN' && texts.length > 1) throw invalid(`IN with several values is not supported for ${key}`);
  if (operation !== 'EQUALS' && operation !== 'NOT_EQUALS' && operation !== 'IN') {
    throw invalid(`${operation} is not supported for ${key}; use EQUALS, NOT_EQUALS, IN or IS_SUBSTRING`);
  }
  return [`name ${operation === 'NOT_EQUALS' ? '!=' : '='} ${quoted(texts[0] ?? '')}`];
}

/** A condition that matches no experiment. */
const NOTHING = 'creation_time < 0';

function stateClause(operation: FilterOperation, states: readonly string[]): string {
  for (const state of states) {
    if (state !== 'AVAILABLE' && state !== 'ARCHIVED') {
      throw invalid(`storage_state must be AVAILABLE or ARCHIVED, not ${JSON.stringify(state.slice(0, 100))}`);
    }
  }
  if (operation !== 'EQUALS' && operation !== 'NOT_EQUALS' && operation !== 'IN') {
    throw invalid(`${operation} is not supported for storage_state; use EQUALS, NOT_EQUALS or IN`);
  }
  const requested = new Set(states);
  if (requested.size === 2) return 'creation_time >= 0';
  if (requested.size === 0) return NOTHING;
  const archived = requested.has('ARCHIVED') === (operation !== 'NOT_EQUALS');
  return `tags.\`${ARCHIVED_TAG}\` ${archived ? 'IS NOT NULL' : 'IS NULL'}`;
}

/** Times of the protocol are whole seconds: each represents its whole second. */
function timeClauses(operation: FilterOperation, value: Predicate['value']): string[] {
  const sign = SIGNS[operation];
  const ms = 'moment' in value ? value.moment : 'number' in value ? value.number * 1000 : undefined;
  if (sign === undefined || ms === undefined)
    throw invalid('created_at must be compared with a time or a number of seconds');
  const from = Math.floor(ms / 1000) * 1000;
  const to = from + 1000;
  switch (sign) {
    case '=':
      return [`creation_time >= ${from}`, `creation_time < ${to}`];
    case '!=':
      // A comparison with milliseconds would exclude only a part of the second.
      throw invalid('NOT_EQUALS is not supported for created_at');
    case '>':
      return [`creation_time >= ${to}`];
    case '<=':
      return [`creation_time < ${to}`];
    default:
      return [`creation_time ${sign} ${from}`];
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
