/** A scale for values of any type: numbers by value, strings as categories. Pure functions. */

export interface ValueScale {
  /** From 0 at its start to 1 at its end; undefined for values outside the scale. */
  readonly at: (value: string | number | undefined) => number | undefined;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

/** Number of ticks between the ends of a numeric scale. */
const BETWEEN = 3;
/** Maximum number of labeled categories. */
const WORDS = 12;

export function valueScale(values: readonly (string | number | undefined)[]): ValueScale {
  const given = values.flatMap((value) => (value === undefined || value === '' ? [] : [value]));
  const numbers = given.map(Number);
  return given.length > 0 && numbers.every((number) => Number.isFinite(number))
    ? numberScale(numbers)
    : wordScale(given);
}

function numberScale(numbers: readonly number[]): ValueScale {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const span = high - low;
  const marks = span === 0 ? [low] : Array.from({ length: BETWEEN + 2 }, (_, at) => low + (span * at) / (BETWEEN + 1));
  const at = (value: number) => (span === 0 ? 0.5 : (value - low) / span);
  return {
    at: (value) => {
      const number = value === undefined || value === '' ? Number.NaN : Number(value);
      return Number.isFinite(number) ? at(number) : undefined;
    },
    ticks: marks.map((mark) => ({ at: at(mark), label: String(Number(mark.toPrecision(4))) })),
  };
}

function wordScale(values: readonly (string | number)[]): ValueScale {
  const words = [...new Set(values.map(String))].toSorted();
  const positions = new Map(words.map((word, at) => [word, words.length === 1 ? 0.5 : at / (words.length - 1)]));
  const every = Math.ceil(words.length / WORDS);
  return {
    at: (value) => (value === undefined ? undefined : positions.get(String(value))),
    ticks: words
      .filter((_, at) => at % every === 0)
      .map((word) => ({ at: positions.get(word) ?? 0, label: word.length > 14 ? `${word.slice(0, 13)}…` : word })),
  };
}
