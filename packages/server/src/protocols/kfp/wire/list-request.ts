/** Common fields of list requests: page, order and filter. */
import { int32, string, type Values } from './message.ts';
import { parseFilter, type Predicate } from './filter.ts';
import { invalid } from './rpc-status.ts';

export const listFields = { page_token: string, page_size: int32, sort_by: string, filter: string };

export interface ListRequest {
  readonly predicates: readonly Predicate[];
  readonly sortBy: { readonly field: string; readonly descending: boolean } | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

const USUAL = 20;
const MOST = 200;
/** Longest valid cursor. */
const LONGEST_TOKEN = 16_384;

/**
 * Parses a list request. The page token contains order and filter, so that later requests need not repeat them.
 * @throws RpcError `INVALID_ARGUMENT`
 */
export function readList(values: Values<typeof listFields>): ListRequest {
  const { page_token: token = '', page_size: size = 0 } = values;
  if (size < 0) throw invalid(`The page size should be greater than 0. Got ${size}`);
  const kept = token === '' ? undefined : openToken(token);
  const { sort_by: sort = kept?.sort ?? '', filter = kept?.filter ?? '' } = values;
  const same = (given: string, before: string) => given === '' || given === before;
  if (kept !== undefined && !(same(sort, kept.sort) && same(filter, kept.filter))) {
    throw invalid(
      'page token does not match the supplied sort by and/or filtering criteria. Either specify the same criteria or leave the latter empty if page token is specified',
    );
  }
  return {
    predicates: parseFilter(kept?.filter ?? filter),
    sortBy: readSort(kept?.sort ?? sort),
    limit: size === 0 ? USUAL : Math.min(size, MOST),
    cursor: kept?.cursor,
  };
}

function readSort(text: string): ListRequest['sortBy'] {
  const [field, direction = 'asc', more] = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (field === undefined) return undefined;
  if (more !== undefined || (direction !== 'asc' && direction !== 'desc')) {
    throw invalid(
      `Received invalid sort by format '${text.slice(0, 200)}'. Supported format: "field_name", "field_name desc", or "field_name asc"`,
    );
  }
  return { field, descending: direction === 'desc' };
}

interface PageToken {
  readonly cursor: string;
  readonly sort: string;
  readonly filter: string;
}

/** Returns the token of the next page for the response, or nothing on the last page. */
export function nextPage(
  nextCursor: string | undefined,
  { page_token: token = '', sort_by: sort, filter }: Values<typeof listFields>,
): { readonly next_page_token?: string } {
  if (nextCursor === undefined) return {};
  const kept = token === '' ? { sort: sort ?? '', filter: filter ?? '' } : openToken(token);
  const next: PageToken = { cursor: nextCursor, sort: kept.sort, filter: kept.filter };
  return { next_page_token: Buffer.from(JSON.stringify([next.cursor, next.sort, next.filter])).toString('base64url') };
}

function openToken(token: string): PageToken {
  if (token.length <= LONGEST_TOKEN) {
    try {
      const parts = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as unknown;
      if (Array.isArray(parts) && parts.length === 3 && parts.every((part) => typeof part === 'string')) {
        const [cursor, sort, filter] = parts as [string, string, string];
        return { cursor, sort, filter };
      }
    } catch {
      // Falls through: the token is invalid.
    }
  }
  throw invalid('Invalid page token');
}
