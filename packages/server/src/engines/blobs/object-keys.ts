/**
 * Locators and keys of object stores (S3, Azure Blob Storage, Google Cloud Storage). Content is stored at `<prefix>sha256/<hex>`,
 * direct uploads of clients at `<prefix>direct/<id>`, unfinished puts at `<prefix>tmp/<id>`. No store needs folders to distribute load.
 */
import type { ObjectFamily } from './contract.ts';

const LOCATOR = /^(?:sha256:[0-9a-f]{64}|direct:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const NAMES: Readonly<Record<Family, RegExp>> = {
  direct: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  sha256: /^[0-9a-f]{64}$/,
  tmp: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

export type Family = 'direct' | 'sha256' | 'tmp';
/** The families whose objects are blobs, in locator order. */
export const BLOB_FAMILIES = ['direct', 'sha256'] as const satisfies readonly Family[];

/** Prefix of the keys of named objects: `<prefix>archive/`. */
export function namedPrefix(prefix: string | undefined, family: ObjectFamily): string {
  return `${folderPrefix(prefix)}${family}/`;
}

function folderPrefix(prefix = ''): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

export class ObjectKeys {
  readonly prefix: string;

  constructor(prefix?: string) {
    this.prefix = folderPrefix(prefix);
  }

  key(family: Family, name: string): string {
    return `${this.prefix}${family}/${name}`;
  }

  /** Undefined when this store cannot have created the locator. */
  keyOf(locator: string): string | undefined {
    return LOCATOR.test(locator) ? `${this.prefix}${locator.replace(':', '/')}` : undefined;
  }

  /** Returns the family and name of a key of this store; undefined for other keys of the bucket. */
  parse(key: string): { readonly family: Family; readonly name: string } | undefined {
    if (!key.startsWith(this.prefix)) return undefined;
    const [family, name, ...more] = key.slice(this.prefix.length).split('/');
    if (more.length > 0 || name === undefined) return undefined;
    if (family !== 'direct' && family !== 'sha256' && family !== 'tmp') return undefined;
    return NAMES[family].test(name) ? { family, name } : undefined;
  }

  /**
   * Returns where a listing of `family` starts to return the locators after `after`: `key` is undefined for the whole family.
   * Returns undefined when the whole family sorts before.
   */
  startOf(family: Family, after: string | undefined): { readonly key: string | undefined } | undefined {
    if (after === undefined || after < `${family}:`) return { key: undefined };
    return after.startsWith(`${family}:`) ? { key: this.key(family, after.slice(family.length + 1)) } : undefined;
  }
}
