/**
 * Sources of data outside of Dais: what is there now, each object with a pin by which a change is seen, and its bytes.
 * A source knows no dataset, version or blob store. It reads and never writes over there.
 */
import type { DataFormat } from '@dais/api';
import type { DataColumn } from '@dais/api/data';
import type { ShapedColumn, ShapedPart } from '#engines/query/model/parquet-shape.ts';

export interface SourceObject {
  /** Unique in the source; its ending says the format, unless `format` does. At most 1,024 characters. */
  readonly name: string;
  /** Where it lies, without credentials. */
  readonly uri: string;
  /**
   * Changes with its bytes: a version id, an entity tag with the size. Empty: nothing over there tells of a change, and
   * only its digest does.
   */
  readonly pin: string;
  /** Size as told over there; undefined when nothing tells it. */
  readonly bytes: number | undefined;
  /** Of sources that make the file themselves. */
  readonly format?: DataFormat;
  /** Of tables that have states of their own: which one this is of, `delta 12`, `iceberg 3051729675574597004`. The same for all objects of a list. */
  readonly snapshot?: string;
  /** Types that the source knows for sure. */
  readonly columns?: readonly DataColumn[];
  /** Of Parquet whose bytes alone are not its rows: the columns of the table, the same for all objects of a list. */
  readonly shape?: readonly ShapedColumn[];
  /** Beside `shape`: what is so of this object. */
  readonly part?: ShapedPart;
}

export interface FetchedObject {
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** As of what was read. */
  readonly pin: string;
  readonly columns?: readonly DataColumn[];
  /** In the place of that of the object, where it is known only once the bytes are here. */
  readonly part?: ShapedPart;
}

export interface FetchIo {
  readonly signal: AbortSignal;
  /** Bytes so far. */
  readonly progress?: (bytes: number) => void;
}

export interface DataSource {
  /**
   * What there is now, in the order of names. Reads none of their bytes, but what describes them; may be repeated.
   * @throws DaisError `not_found` (nothing is there), `upstream_failed` (retryable), `address_refused`, `invalid_request`
   *   (the source refuses: rights, a query that is wrong).
   */
  list(signal: AbortSignal): Promise<readonly SourceObject[]>;
  /**
   * Writes the bytes of an object to a path where nothing is. What fails leaves a file that nobody may read.
   * @throws DaisError as `list`; `too_large`; `conflict` when it is not any more what its pin says.
   */
  fetch(object: SourceObject, path: string, io: FetchIo): Promise<FetchedObject>;
  /** Ends connections. Idempotent. */
  close(): Promise<void>;
}

/** Largest object that is fetched. */
export const MOST_OBJECT_BYTES = 2 ** 40;
/** Most objects of one source. */
export const MOST_OBJECTS = 20_000;
