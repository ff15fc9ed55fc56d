/** Converts between column types of the contract and of DuckDB. */
import type { DuckDBType } from '@duckdb/node-api';
import type { ColumnType } from '../../model/column-type.ts';
import { QueryError } from '../../model/query-error.ts';
import { identifier } from './sql-text.ts';

const SQL_NAMES: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
};

/** DuckDB type names and their column types; other types are handled below. */
const OUR_NAMES: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'int8',
  SMALLINT: 'int16',
  INTEGER: 'int32',
  BIGINT: 'int64',
  UTINYINT: 'uint8',
  USMALLINT: 'uint16',
  UINTEGER: 'uint32',
  UBIGINT: 'uint64',
  FLOAT: 'float32',
  DOUBLE: 'float64',
  VARCHAR: 'string',
  BLOB: 'binary',
  DATE: 'date',
  TIME: 'time',
  TIME_NS: 'time',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  TIMESTAMP_NS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  HUGEINT: 'decimal(38,0)',
  UHUGEINT: 'decimal(38,0)',
};

/** Types such as `struct<a:int64,…>` that are nested deeper than this are rejected. */
const DEEPEST = 16;

/** @throws QueryError `query_invalid` for text that is not a column type. */
export function sqlType(type: ColumnType): string {
  const reader = new TypeReader(type);
  const sql = reader.read(0);
  if (!reader.atEnd) throw reader.createError();
  return sql;
}

/** Returns the column type of a DuckDB type in results. */
export function columnType(type: DuckDBType): ColumnType {
  const shape = type as DuckDBType & TypeShape;
  if (shape.entryTypes !== undefined && shape.entryNames !== undefined) {
    const fields = shape.entryNames.map(
      (name, n) => `${fieldName(name)}:${columnType(shape.entryTypes?.[n] as DuckDBType)}`,
    );
    return `struct<${fields.join(',')}>`;
  }
  if (shape.keyType !== undefined) {
    return `map<${columnType(shape.keyType)},${columnType(shape.valueType as DuckDBType)}>`;
  }
  if (shape.valueType !== undefined) return `list<${columnType(shape.valueType)}>`;
  if (shape.scale !== undefined) return `decimal(${shape.width ?? 18},${shape.scale})`;
  return OUR_NAMES[type.toString()] ?? 'string';
}

/** Returns whether values of the type need no cast in results. */
export function isCanonical(type: DuckDBType): boolean {
  // An alias such as JSON would be written as such.
  return type.alias === undefined && type.toString() === sqlType(columnType(type));
}

interface TypeShape {
  readonly entryNames?: readonly string[];
  readonly entryTypes?: readonly DuckDBType[];
  readonly keyType?: DuckDBType;
  readonly valueType?: DuckDBType;
  readonly width?: number;
  readonly scale?: number;
}

function fieldName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

/** Reads the text of a column type by its grammar. */
class TypeReader {
  readonly #type: string;
  #at = 0;

  constructor(type: string) {
    this.#type = type;
  }

  get atEnd(): boolean {
    return this.#at === this.#type.length;
  }

  createError(): QueryError {
    return new QueryError('query_invalid', `\`${this.#type}\` is not a column type.`);
  }

  read(depth: number): string {
    if (depth > DEEPEST) throw this.createError();
    const name = this.#match(/[a-z0-9]+/y);
    const plain = SQL_NAMES[name];
    if (plain !== undefined) return plain;
    if (name === 'decimal') return this.#decimal();
    this.#match(/</y);
    const sql = this.#nested(name, depth);
    this.#match(/>/y);
    return sql;
  }

  #nested(name: string, depth: number): string {
    if (name === 'list') return `${this.read(depth + 1)}[]`;
    if (name === 'map') {
      const key = this.read(depth + 1);
      this.#match(/,/y);
      return `MAP(${key}, ${this.read(depth + 1)})`;
    }
    if (name !== 'struct') throw this.createError();
    const fields: string[] = [];
    do {
      const quoted = this.#match(/"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*/y);
      const field = quoted.startsWith('"') ? (JSON.parse(quoted) as string) : quoted;
      this.#match(/:/y);
      fields.push(`${identifier(field)} ${this.read(depth + 1)}`);
    } while (this.#try(/,/y));
    return `STRUCT(${fields.join(', ')})`;
  }

  #decimal(): string {
    const [, precision, scale] = /\((\d+),(\d+)\)/.exec(this.#match(/\(\d{1,2},\d{1,2}\)/y)) ?? [];
    if (Number(precision) < 1 || Number(precision) > 38 || Number(scale) > Number(precision)) throw this.createError();
    return `DECIMAL(${precision},${scale})`;
  }

  #match(pattern: RegExp): string {
    const found = this.#try(pattern);
    if (found === undefined) throw this.createError();
    return found;
  }

  #try(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#type)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
