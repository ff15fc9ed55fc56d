import { types } from 'pg';

export type ValueParser = (text: string) => unknown;

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const TIMESTAMP = 1114;
const TEXT_ARRAY = 1009;
const DATE_ARRAY = 1182;
const TIMESTAMP_ARRAY = 1115;
const NUMERIC_ARRAY = 1231;

// The declared type of the argument lists some types by name; any object id is accepted.
const driverParser = types.getTypeParser as unknown as (typeId: number) => ValueParser;
const arrayOfText = driverParser(TEXT_ARRAY) as (text: string) => (string | null)[];

/**
 * Parsers that differ from the defaults of the driver: int8 is a bigint (a number loses digits above 2^53); `date` and
 * `timestamp` stay text, because they are not instants; numeric[] stays text like numeric.
 */
const ours: ReadonlyMap<number, ValueParser> = new Map<number, ValueParser>([
  [INT8, BigInt],
  [INT8_ARRAY, (text) => arrayOfText(text).map((item) => (item === null ? null : BigInt(item)))],
  [DATE, String],
  [TIMESTAMP, String],
  [DATE_ARRAY, arrayOfText],
  [TIMESTAMP_ARRAY, arrayOfText],
  [NUMERIC_ARRAY, arrayOfText],
]);

/** Returns the parser of the text format of a type, by its object id. */
export function valueParser(typeId: number): ValueParser {
  return ours.get(typeId) ?? driverParser(typeId);
}
