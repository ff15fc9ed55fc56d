/**
 * Sizes of dimensions that are unknown until a run: polynomials with integer coefficients in variables of known range. The
 * range of a polynomial covers every admitted batch, so a graph cannot hide a large tensor behind one particular batch size.
 * Big integers, because products of declared dimensions exceed the exact range of a double.
 */

/** A size that the caller chooses, or a result that is not a polynomial. */
interface Variable {
  readonly id: number;
  readonly low: bigint;
  readonly high: bigint;
}

interface Term {
  /** Sorted by id; the same variable twice is its square. Empty: the constant. */
  readonly variables: readonly Variable[];
  readonly factor: bigint;
}

/** A polynomial that grows beyond this becomes a variable with the same range. */
const MOST_TERMS = 4;
const HIGHEST_DEGREE = 8;

let nextId = 1;

export class Size {
  static readonly zero = new Size([]);
  static readonly one = Size.of(1n);

  readonly #terms: readonly Term[];
  #low: bigint | undefined;
  #high: bigint | undefined;

  private constructor(terms: readonly Term[]) {
    this.#terms = terms;
  }

  static of(value: bigint | number): Size {
    const factor = BigInt(value);
    return factor === 0n ? (Size.zero ?? new Size([])) : new Size([{ variables: [], factor }]);
  }

  /** Any value from `low` to `high`. */
  static between(low: bigint, high: bigint): Size {
    return low === high ? Size.of(low) : new Size([{ variables: [{ id: nextId++, low, high }], factor: 1n }]);
  }

  /** The value, if it is the same in every run. */
  get known(): bigint | undefined {
    if (this.#terms.length === 0) return 0n;
    const [term] = this.#terms;
    return this.#terms.length === 1 && term!.variables.length === 0 ? term!.factor : undefined;
  }

  get low(): bigint {
    return (this.#low ??= this.#bound(false));
  }

  get high(): bigint {
    return (this.#high ??= this.#bound(true));
  }

  /** The largest value in runs where `other` is 0. */
  highWhereZero(other: Size): bigint {
    if (other.#terms.length !== 1) return this.high;
    // A product is 0 where one of its variables is.
    return other.#terms[0]!.variables.map(({ id }) => {
      const terms = this.#terms.filter(({ variables }) => !variables.some((variable) => variable.id === id));
      return new Size(terms).high;
    }).reduce(bigger, 0n);
  }

  equals(other: Size): boolean {
    if (this === other) return true;
    if (this.#terms.length !== other.#terms.length) return false;
    return this.minus(other).#terms.length === 0;
  }

  plus(other: Size): Size {
    return Size.#sum([...this.#terms, ...other.#terms]);
  }

  minus(other: Size): Size {
    return Size.#sum([...this.#terms, ...other.#terms.map((term) => ({ ...term, factor: -term.factor }))]);
  }

  times(other: Size): Size {
    const [a, b] = [this.known, other.known];
    if (a !== undefined && b !== undefined) return Size.of(a * b);
    const products = this.#terms.flatMap((one) =>
      other.#terms.map((two) => ({
        variables: [...one.variables, ...two.variables].toSorted((left, right) => left.id - right.id),
        factor: one.factor * two.factor,
      })),
    );
    return Size.#sum(products);
  }

  /** The exact quotient, if there is no remainder for any values of the variables (except for a divisor of 0). */
  dividedExactly(other: Size): Size | undefined {
    if (this.equals(other)) return Size.one;
    if (other.#terms.length !== 1) return undefined;
    const [divisor] = other.#terms as [Term];
    const terms: Term[] = [];
    for (const term of this.#terms) {
      if (term.factor % divisor.factor !== 0n) return undefined;
      const rest = [...term.variables];
      for (const variable of divisor.variables) {
        const at = rest.indexOf(variable);
        if (at === -1) return undefined;
        rest.splice(at, 1);
      }
      terms.push({ variables: rest, factor: term.factor / divisor.factor });
    }
    return new Size(terms);
  }

  /** Rounded down. Both must be non-negative; undefined if the divisor may be 0. */
  dividedDown(other: Size): Size | undefined {
    if (this.low < 0n || other.low < 1n) return undefined;
    return this.dividedExactly(other) ?? Size.between(this.low / other.high, this.high / other.low);
  }

  /** The maximum of both: the same size if that is certain. */
  max(other: Size): Size {
    const difference = this.minus(other);
    if (difference.low >= 0n) return this;
    if (difference.high <= 0n) return other;
    return Size.between(bigger(this.low, other.low), bigger(this.high, other.high));
  }

  min(other: Size): Size {
    const difference = this.minus(other);
    if (difference.high <= 0n) return this;
    if (difference.low >= 0n) return other;
    return Size.between(smaller(this.low, other.low), smaller(this.high, other.high));
  }

  /** -1 or 1 if it is certain that this is less or greater, 0 if both are equal; undefined if it depends on the run. */
  compare(other: Size): -1 | 0 | 1 | undefined {
    const difference = this.minus(other);
    if (difference.low > 0n) return 1;
    if (difference.high < 0n) return -1;
    return difference.known === 0n ? 0 : undefined;
  }

  #bound(isHigh: boolean): bigint {
    let sum = 0n;
    for (const { variables, factor } of this.#terms) {
      // Products of ranges that may be negative need both bounds.
      let [low, high] = [1n, 1n];
      for (const variable of variables) {
        const ends = [low * variable.low, low * variable.high, high * variable.low, high * variable.high];
        low = ends.reduce(smaller);
        high = ends.reduce(bigger);
      }
      sum += isHigh === factor > 0n ? factor * high : factor * low;
    }
    return sum;
  }

  static #sum(terms: readonly Term[]): Size {
    const byKey = new Map<string, Term>();
    for (const term of terms) {
      const key = term.variables.map(({ id }) => id).join('*');
      const other = byKey.get(key);
      byKey.set(key, other === undefined ? term : { ...term, factor: term.factor + other.factor });
    }
    const sum = new Size([...byKey.values()].filter(({ factor }) => factor !== 0n));
    const isLong = sum.#terms.length > MOST_TERMS || sum.#terms.some((term) => term.variables.length > HIGHEST_DEGREE);
    return isLong ? Size.between(sum.low, sum.high) : sum;
  }
}

export function bigger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
