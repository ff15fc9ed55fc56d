/** Determines how to read a file from its name and the manifest. Pure. */
import { DaisError, type DataFormat, type DatasetFormat } from '@dais/api';
import type { CsvDialect, FileCompression, SourceFile } from '#engines/query/contract.ts';

const ENDINGS: Readonly<Record<string, DataFormat>> = {
  csv: 'csv',
  tsv: 'csv',
  txt: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  parquet: 'parquet',
  pq: 'parquet',
  arrow: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
};

const COMPRESSIONS: Readonly<Record<string, FileCompression>> = { gz: 'gzip', gzip: 'gzip', zst: 'zstd', zstd: 'zstd' };

/** Returns the extensions of a name, last first: `a.csv.gz` returns `gz`, `csv`. */
function endings(name: string): readonly string[] {
  const base = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return base.split('.').slice(1).toReversed();
}

/** Returns the source file with its format. @throws DaisError `invalid_request` if the format is unknown */
export function sourceFile(path: string, name: string, format: DatasetFormat | undefined): SourceFile {
  const [last = '', before = ''] = endings(name);
  const named = Object.hasOwn(COMPRESSIONS, last) ? COMPRESSIONS[last] : undefined;
  const ending = named === undefined ? last : before;
  const type = format?.type ?? (Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined);
  if (type === undefined) {
    const known = Object.keys(ENDINGS).join(', ');
    const detail = `The format of ${name} is unknown. Use a file name that ends in one of ${known} (optionally followed by .gz or .zst), or set spec.format.type.`;
    throw new DaisError('invalid_request', detail);
  }
  const compression = format?.compression ?? named;
  return {
    path,
    name,
    format: type,
    ...(compression !== undefined && { compression }),
    ...(format?.encoding !== undefined && { encoding: format.encoding }),
    ...(type === 'csv' && { csv: dialect(format, ending) }),
  };
}

function dialect(format: DatasetFormat = {}, ending: string): CsvDialect {
  const delimiter = format.delimiter ?? (ending === 'tsv' ? '\t' : undefined);
  const { quote, escape, header = true, nulls, dateFormat, timestampFormat } = format;
  return {
    header,
    ...(delimiter !== undefined && { delimiter }),
    ...(quote !== undefined && { quote }),
    ...(escape !== undefined && { escape }),
    ...(nulls !== undefined && { nulls }),
    ...(dateFormat !== undefined && { dateFormat }),
    ...(timestampFormat !== undefined && { timestampFormat }),
  };
}
