/** Maps MySQL and MariaDB types to column types, by protocol number. Pure. */

export interface MysqlField {
  readonly name: string;
  readonly columnType?: number | undefined;
  /** Display width, including sign and point. */
  readonly columnLength?: number | undefined;
  readonly decimals?: number | undefined;
  readonly flags?: number | readonly string[] | undefined;
  readonly characterSet?: number | undefined;
}

const UNSIGNED = 32;
const NEW_DECIMAL = 246;
const BIT = 16;
/** The binary character set. */
const BINARY = 63;
/** Texts and bytes: varchar, the blobs and texts, char. */
const TEXTS: ReadonlySet<number> = new Set([249, 250, 251, 252, 253, 254, 15]);

const INTEGERS: Readonly<Record<number, readonly [signed: string, unsigned: string]>> = {
  1: ['int8', 'uint8'],
  2: ['int16', 'uint16'],
  9: ['int32', 'uint32'],
  3: ['int32', 'uint32'],
  8: ['int64', 'uint64'],
  // A year.
  13: ['int16', 'int16'],
};

const OTHERS: Readonly<Record<number, string>> = {
  4: 'float32',
  5: 'float64',
  7: 'timestamp',
  10: 'date',
  12: 'timestamp',
};

/**
 * Other types are text: JSON, enumerations, bytes as `\x…`, and `time`, which may be negative or longer than a day in MySQL.
 */
export function columnTypeOf({ columnType = 0, columnLength = 0, decimals = 0, flags = 0 }: MysqlField): string {
  const unsigned = isUnsigned(flags);
  const integer = INTEGERS[columnType];
  if (integer !== undefined) return integer[unsigned ? 1 : 0];
  if (columnType === NEW_DECIMAL) {
    const precision = columnLength - (decimals > 0 ? 1 : 0) - (unsigned ? 0 : 1);
    return precision >= 1 && precision <= 38 && decimals <= precision ? `decimal(${precision},${decimals})` : 'float64';
  }
  return OTHERS[columnType] ?? 'string';
}

export function isBytes({ columnType = 0, characterSet }: MysqlField): boolean {
  return columnType === BIT || (TEXTS.has(columnType) && characterSet === BINARY);
}

function isUnsigned(flags: number | readonly string[]): boolean {
  return typeof flags === 'number' ? (flags & UNSIGNED) !== 0 : flags.includes('UNSIGNED');
}
