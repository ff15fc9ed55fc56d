/** Maps PostgreSQL types to column types, by their fixed object ids (catalog `pg_type`). Pure. */

const TYPES: Readonly<Record<number, string>> = {
  16: 'boolean',
  20: 'int64',
  21: 'int16',
  23: 'int32',
  26: 'uint32',
  700: 'float32',
  701: 'float64',
  1082: 'date',
  1083: 'time',
  1114: 'timestamp',
  1184: 'timestamp',
};

const NUMERIC = 1700;

/**
 * Other types (JSON, UUID, arrays, intervals, bytes) are text. A `numeric` without a scale is `float64`: it may have any number
 * of digits, which no fixed decimal can represent.
 */
export function columnTypeOf(oid: number, modifier: number): string {
  if (oid === NUMERIC) {
    if (modifier < 4) return 'float64';
    const precision = ((modifier - 4) >> 16) & 0xffff;
    const scale = (modifier - 4) & 0x7ff;
    return precision <= 38 && scale <= precision ? `decimal(${precision},${scale})` : 'float64';
  }
  return TYPES[oid] ?? 'string';
}
