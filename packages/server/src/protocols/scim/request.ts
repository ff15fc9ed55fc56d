/** Parts of SCIM requests: body, selection of attributes, conditions. Pure. */
import { requireRecord } from './read-document.ts';
import { EVERYTHING, type Selection } from './present.ts';
import { ScimError } from './scim-error.ts';
import { MOST_RESULTS } from './service-documents.ts';
import { SEARCH_REQUEST } from './urns.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MEDIA_TYPE = /^application\/(scim\+)?json$/;

/** @throws ScimError 404 for a text that is no id of a resource. */
export function requireId(id: string): string {
  if (UUID.test(id)) return id.toLowerCase();
  throw new ScimError(404, `There is no resource with the id "${id.slice(0, 80)}".`);
}

/** @throws ScimError `invalidSyntax`, or 415 */
export function readJson(bytes: Buffer | undefined, contentType: string | undefined): unknown {
  if (bytes === undefined || bytes.length === 0) throw new ScimError(400, 'The request has no body.', 'invalidSyntax');
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!MEDIA_TYPE.test(type))
    throw new ScimError(415, `The Content-Type is "${type.slice(0, 80)}"; expected application/scim+json.`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ScimError(400, 'The body is not valid JSON.', 'invalidSyntax', error);
  }
}

/** What a list or search requests. */
export interface Search {
  readonly filter?: string;
  readonly startIndex: number;
  readonly count: number;
  readonly selection: Selection;
}

/** @throws ScimError */
export function searchInQuery(query: URLSearchParams): Search {
  return searchOf({
    filter: query.get('filter') ?? undefined,
    startIndex: query.get('startIndex') ?? undefined,
    count: query.get('count') ?? undefined,
    selection: selectionInQuery(query),
  });
}

/** The body of `POST …/.search`. @throws ScimError */
export function searchInBody(body: unknown): Search {
  const fields = requireRecord(body, 'The body');
  const schemas = fields['schemas'];
  if (!Array.isArray(schemas) || !schemas.includes(SEARCH_REQUEST))
    throw new ScimError(400, `\`schemas\` does not contain ${SEARCH_REQUEST}.`, 'invalidSyntax');
  const selection = selectionOf(namesIn(fields['attributes']), namesIn(fields['excludedAttributes']));
  return searchOf({ filter: fields['filter'], startIndex: fields['startIndex'], count: fields['count'], selection });
}

interface GivenSearch {
  readonly filter: unknown;
  readonly startIndex: unknown;
  readonly count: unknown;
  readonly selection: Selection;
}

function searchOf({ filter, startIndex, count, selection }: GivenSearch): Search {
  if (filter !== undefined && typeof filter !== 'string')
    throw new ScimError(400, '`filter` is not a text.', 'invalidFilter');
  // A start below 1 is 1, and a negative count is 0 (RFC 7644, section 3.4.2.4).
  return {
    ...(filter !== undefined && filter.trim() !== '' && { filter }),
    startIndex: Math.min(10_000_000, Math.max(1, numberOf(startIndex, 'startIndex') ?? 1)),
    count: Math.min(MOST_RESULTS, Math.max(0, numberOf(count, 'count') ?? 100)),
    selection,
  };
}

function numberOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (Number.isInteger(number)) return number;
  throw new ScimError(400, `\`${name}\` is not a whole number.`, 'invalidValue');
}

/** @throws ScimError if both are there. */
export function selectionInQuery(query: URLSearchParams): Selection {
  const names = (name: string) => query.getAll(name).flatMap((text) => text.split(','));
  return selectionOf(names('attributes'), names('excludedAttributes'));
}

function namesIn(value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'string') throw new ScimError(400, 'Names of attributes are texts.', 'invalidValue');
  return value.split(',');
}

/** A name can start with the URN of its schema. */
function plainName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^urn:.*:/s, '');
}

function selectionOf(attributes: readonly string[], excluded: readonly string[]): Selection {
  const only = attributes.map(plainName).filter((name) => name !== '');
  const without = excluded.map(plainName).filter((name) => name !== '');
  if (only.length > 0 && without.length > 0)
    throw new ScimError(400, '`attributes` and `excludedAttributes` cannot be combined.', 'invalidValue');
  if (only.length === 0 && without.length === 0) return EVERYTHING;
  return { only: only.length === 0 ? undefined : new Set(only), without: new Set(without) };
}

export function includesMembers({ only, without }: Selection): boolean {
  if (only === undefined) return !without.has('members');
  return [...only].some((name) => name === 'members' || name.startsWith('members.'));
}

/** The version in If-Match; undefined for every version. @throws ScimError */
export function versionInMatch(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^(?:W\/)?"(\d{1,19})"$/.exec(header.trim())?.[1];
  if (version === undefined) throw new ScimError(412, 'If-Match contains no version of this resource.');
  return version;
}
