/**
 * Data sources outside Dais: lists the current objects, each with a pin that detects changes, and fetches their bytes. A source
 * is independent of datasets, versions and the blob store. It never writes to the source.
 */
import type { DataFormat } from '@dais/api';
import type { DataColumn } from '@dais/api/data';
import type { ShapedColumn, ShapedPart } from '#engines/query/model/parquet-shape.ts';

export interface SourceObject {
  /** Unique in the source; its extension determines the format, unless `format` does. At most 1,024 characters. */
  readonly name: string;
  /** Location without credentials. */
  readonly uri: string;
  /**
   * Changes with its bytes: a version id, an entity tag with the size. Empty: the source reports no changes, and only the
   * digest detects them.
   */
  readonly pin: string;
  /** Size reported by the source; undefined when unknown. */
  readonly bytes: number | undefined;
  /** Format of sources that generate the file. */
  readonly format?: DataFormat;
  /** Table version, for table formats: `delta 12`, `iceberg 3051729675574597004`. The same for all objects of a list. */
  readonly snapshot?: string;
  /** Column types that the source declares. */
  readonly columns?: readonly DataColumn[];
  /** For Parquet files of a table format: the columns of the table, the same for all objects of a list. */
  readonly shape?: readonly ShapedColumn[];
  /** With `shape`: properties of this object. */
  readonly part?: ShapedPart;
}

export interface FetchedObject {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** Pin of the fetched bytes. */
  readonly pin: string;
  readonly columns?: readonly DataColumn[];
  /** Replaces that of the object, if it is known only after the fetch. */
  readonly part?: ShapedPart;
}

export interface FetchIo {
  readonly signal: AbortSignal;
  /** Bytes fetched so far. */
  readonly progress?: (bytes: number) => void;
}

export interface DataSource {
  /**
   * Lists the current objects in name order. Reads metadata, but not their bytes; can be repeated.
   * @throws DaisError `not_found` (no object exists), `upstream_failed` (retryable), `address_refused`, `invalid_request`
   *   (the source rejects it: permissions, an invalid query).
   */
  list(signal: AbortSignal): Promise<readonly SourceObject[]>;
  /**
   * Writes the bytes of an object to a new path. A failed call leaves a file that must not be used.
   * @throws DaisError as `list`; `too_large`; `conflict` when it no longer matches its pin.
   */
  fetch(object: SourceObject, path: string, io: FetchIo): Promise<FetchedObject>;
  /** Ends connections. Idempotent. */
  close(): Promise<void>;
}

/** Maximum size of a fetched object. */
export const MOST_OBJECT_BYTES = 2 ** 40;
/** Maximum number of objects of one source. */
export const MOST_OBJECTS = 20_000;
