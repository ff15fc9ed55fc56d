/**
 * The column types of all engines. As text, because they appear in manifests, records and errors:
 * `decimal(10,2)`, `list<int64>`, `struct<a:int64,b:string>`, `map<string,float64>`.
 *
 * - `timestamp`: a point in time in microseconds. A file's local time without zone counts as UTC.
 * - `date` has no zone; `time` is a time of day, in microseconds.
 * - `decimal(p,s)`: at most 38 digits. Sums of integers are `decimal(38,0)`.
 * - Other types (UUID, enum, JSON text, interval) are `string`.
 */
export type ColumnType =
  | 'boolean'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64'
  | 'string'
  | 'binary'
  | 'date'
  | 'time'
  | 'timestamp'
  | `decimal(${number},${number})`
  | `list<${string}>`
  | `struct<${string}>`
  | `map<${string}>`;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}
