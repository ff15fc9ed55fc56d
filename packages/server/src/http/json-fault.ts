/**
 * Finds the position of a JSON syntax error (RFC 8259). The messages of JSON.parse differ between versions of V8, and
 * some have no position; called only after it has failed. The caller limits the depth.
 */
export function jsonError(text: string): number {
  const scanner = new Scanner(text);
  scanner.space();
  if (!scanner.value()) return scanner.at;
  scanner.space();
  return scanner.at;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Reads a string up to its closing quote or its first invalid character. */
const STRING_PART = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

class Scanner {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  space(): void {
    while (/[ \t\n\r]/.test(this.#text.charAt(this.at))) this.at++;
  }

  /** Moves past a value, or to the position of the error. */
  value(): boolean {
    const first = this.#text.charAt(this.at);
    if (first === '{') return this.#sequence('}', () => this.#member());
    if (first === '[') return this.#sequence(']', () => this.value());
    if (first === '"') return this.#string();
    for (const word of ['true', 'false', 'null']) if (first === word.charAt(0)) return this.#word(word);
    return this.#match(NUMBER);
  }

  #member(): boolean {
    if (!this.#string()) return false;
    this.space();
    if (!this.#word(':')) return false;
    this.space();
    return this.value();
  }

  #sequence(close: string, item: () => boolean): boolean {
    this.at++;
    this.space();
    if (this.#text.charAt(this.at) === close) {
      this.at++;
      return true;
    }
    for (;;) {
      if (!item()) return false;
      this.space();
      if (this.#text.charAt(this.at) === close) {
        this.at++;
        return true;
      }
      if (!this.#word(',')) return false;
      this.space();
    }
  }

  #string(): boolean {
    return this.#match(STRING_PART) && this.#word('"');
  }

  #word(word: string): boolean {
    for (const character of word) {
      if (this.#text.charAt(this.at) !== character) return false;
      this.at++;
    }
    return true;
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) return false;
    this.at += found[0].length;
    return true;
  }
}
