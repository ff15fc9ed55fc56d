/** Bodies as text: checks of every JSON or YAML body before it is interpreted. */
import { DaisError, type Issue } from '@dais/api';
import { invalidUtf8At } from '#lib/formats/utf8.ts';
import { readDocuments, type ManifestDocument } from '#kernel/manifest-text.ts';

/** Deeper than any valid input; protects recursive readers of the parsed value. */
const MAX_DEPTH = 64;

/** @throws DaisError `not_utf8`. */
export function decodeText(bytes: Buffer): string {
  const invalidAt = invalidUtf8At(bytes);
  if (invalidAt !== undefined) {
    throw new DaisError('not_utf8', `The body is not valid UTF-8. The first invalid byte is at offset ${invalidAt}.`);
  }
  const text = bytes.toString('utf8');
  // A byte order mark is accepted: RFC 8259 §8.1 lets a parser ignore it.
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** @throws DaisError `unreadable_body` with line and column. */
export function parseJson(text: string): unknown {
  const depth = nestingDepth(text);
  if (depth > MAX_DEPTH) {
    throw new DaisError('unreadable_body', `The JSON is nested ${depth} levels deep; the limit is ${MAX_DEPTH}.`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const offset = jsonError(text);
    const position = positionOf(text, offset);
    const reason = offset >= text.length ? 'unexpected end of input' : 'unexpected character';
    const issue: Issue = { ...position, message: reason, expected: 'well-formed JSON' };
    throw new DaisError(
      'unreadable_body',
      `The body is not valid JSON: ${reason} in line ${position.line}, column ${position.column}.`,
      {
        issues: [issue],
        cause: error,
      },
    );
  }
}

function positionOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** Returns the deepest nesting of maps and lists in JSON text; wrong only for invalid JSON. */
function nestingDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
}

/** Returns the single document of a YAML body. @throws DaisError `unreadable_body`, `manifest_too_complex`. */
export function parseYaml(text: string): ManifestDocument {
  const documents = readDocuments('-', text);
  const [document] = documents;
  if (document !== undefined && documents.length === 1) return document;
  throw new DaisError(
    'unreadable_body',
    documents.length === 0
      ? 'The body contains no YAML document.'
      : `The body contains ${documents.length} YAML documents; this route accepts one. Send several documents to POST /api/v1/apply.`,
  );
}

/**
 * Adds the positions in the YAML text to the issues of an error. `field`: the input field that contains the document,
 * and the first part of the paths.
 */
export function withPositions(error: DaisError, document: ManifestDocument, field: string): DaisError {
  if (error.issues === undefined) return error;
  const issues = error.issues.map((issue): Issue => {
    if (issue.line !== undefined || issue.path === undefined) return issue;
    const path =
      issue.path === field ? '' : issue.path.startsWith(`${field}.`) ? issue.path.slice(field.length + 1) : issue.path;
    return { file: document.file, ...document.locate(path), ...issue, path };
  });
  return new DaisError(error.code, error.message, {
    issues,
    ...(error.holders !== undefined && { holders: error.holders }),
    ...(error.retryAfter !== undefined && { retryAfter: error.retryAfter }),
    cause: error,
  });
}

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
