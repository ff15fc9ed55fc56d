import { DaisError } from '@dais/api/errors';
import type { AzureAccess } from './azure-access.ts';

export interface ListedBlob {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Date | undefined;
}

/** Characters after which listings are continued: the names of this store are hexadecimal. */
const HEX = '0123456789abcdef';
/** Levels of prefixes in front of a position: a listing reads at most a 4,096th of the names in vain. */
const LEVELS = 3;

/** Lists blobs whose names start with `prefix`, in order, page by page. */
export async function* listBlobs(
  access: AzureAccess,
  prefix: string,
  { after, uncommitted = false }: { readonly after?: string | undefined; readonly uncommitted?: boolean },
): AsyncGenerator<ListedBlob> {
  for (const part of prefixesAfter(prefix, after)) {
    for await (const blob of pages(access, part, uncommitted)) {
      if (after === undefined || blob.key > after) yield blob;
    }
  }
}

/**
 * Azure cannot list from a name on. Returns prefixes of `prefix` that together contain every name after `after`, in order:
 * after `p/2f`, these are `p/2f`, then `p/3`, `p/4` and so on.
 */
export function prefixesAfter(prefix: string, after: string | undefined): string[] {
  if (after === undefined || !after.startsWith(prefix)) return [prefix];
  const rest = after.slice(prefix.length);
  let depth = 0;
  while (depth < LEVELS && depth < rest.length && HEX.includes(rest[depth]!)) depth += 1;
  const prefixes = [prefix + rest.slice(0, depth)];
  for (let level = depth - 1; level >= 0; level -= 1) {
    for (const digit of HEX) {
      if (digit > rest[level]!) prefixes.push(prefix + rest.slice(0, level) + digit);
    }
  }
  return prefixes;
}

async function* pages(access: AzureAccess, prefix: string, uncommitted: boolean): AsyncGenerator<ListedBlob> {
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === 'Blob' });
  let marker = '';
  do {
    const url = access.containerUrl({
      restype: 'container',
      comp: 'list',
      prefix,
      ...(uncommitted && { include: 'uncommittedblobs' }),
      ...(marker !== '' && { marker }),
    });
    const { body } = await access.http.send({ method: 'GET', url, doing: 'listing blobs' });
    const page = parser.parse(body) as ListingDocument;
    const { EnumerationResults: result } = page;
    if (result === undefined) throw new DaisError('blobs_unavailable', `${access.where} returned no list of blobs`);
    const blobs = typeof result.Blobs === 'object' ? (result.Blobs.Blob ?? []) : [];
    for (const { Name, Properties } of blobs) {
      const modified = Properties?.['Last-Modified'];
      yield {
        key: nameOf(Name),
        size: Number(Properties?.['Content-Length'] ?? 0),
        modifiedAt: modified === undefined || modified === '' ? undefined : new Date(modified),
      };
    }
    marker = result.NextMarker ?? '';
  } while (marker !== '');
}

/** A name with characters that XML cannot contain is escaped, and never one of this store. */
function nameOf(name: string | { readonly '#text'?: string }): string {
  return typeof name === 'string' ? name : (name['#text'] ?? '');
}

interface ListingDocument {
  readonly EnumerationResults?: {
    readonly Blobs?: { readonly Blob?: readonly BlobElement[] } | string;
    readonly NextMarker?: string;
  };
}

interface BlobElement {
  readonly Name: string | { readonly '#text'?: string };
  readonly Properties?: {
    readonly 'Last-Modified'?: string;
    readonly 'Content-Length'?: string;
  };
}
