import {
  Composer,
  CST,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  type Document,
  parse,
} from 'yaml';

/** One document of a text, with the positions of its parts. */
export interface YamlDocument {
  readonly value: unknown;
  /**
   * Line and column (from 1) of the nearest part of `path` that exists in the text; for `within`, of a position inside
   * the text there, if it is a literal block (`|`).
   */
  locate(path: string, within?: TextPosition): TextPosition;
}

/** Both count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export interface YamlLimits {
  readonly documents: number;
  /** Levels of nesting. */
  readonly depth: number;
  /** Formats a path for `locate`, such as `spec.to[2]`. */
  readonly formatPath: (path: readonly PropertyKey[]) => string;
}

/** One error with its position; lines and columns count from 1. */
export interface YamlIssue {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly expected?: string;
}

/** The text is not valid YAML, uses unsupported features of YAML, or contains too many documents. */
export class YamlError extends Error {
  readonly reason: 'unreadable' | 'complex' | 'many';
  readonly issues: readonly YamlIssue[];
  constructor(reason: YamlError['reason'], message: string, issues: readonly YamlIssue[] = []) {
    super(message);
    this.name = 'YamlError';
    this.reason = reason;
    this.issues = issues.slice(0, 100);
  }
}

/**
 * Reads YAML 1.2 or JSON text with one or more documents. Anchors and aliases are rejected, because they expand a small
 * text to a huge one. Integers beyond JavaScript's range stay bigint.
 * @throws YamlError with all errors and their positions.
 */
export function readYamlDocuments(text: string, limits: YamlLimits): YamlDocument[] {
  const lines = new LineCounter();
  const locate = (offset: number) => {
    const at = lines.linePos(offset);
    return { line: Math.max(at.line, 1), column: Math.max(at.col, 1) };
  };
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    intAsBigInt: true,
    // The library compares every key with every other; `duplicateKeys` is linear.
    uniqueKeys: false,
    strict: true,
    prettyErrors: false,
    stringKeys: true,
    merge: false,
    resolveKnownTags: false,
    logLevel: 'silent',
  });
  // An editor does not count the byte order mark as a column.
  const tokens = shallowTokens(text.replace(/^\uFEFF/, ''), limits.depth, lines, locate);
  const documents: Document[] = [];
  for (const document of composer.compose(tokens)) {
    documents.push(document);
    if (documents.length > limits.documents) {
      throw new YamlError('many', `has more than ${limits.documents} documents, which is the limit of a request`);
    }
  }
  const problems = documents.flatMap((document) => [
    ...[...document.errors, ...document.warnings.filter((warning) => warning.code === 'TAG_RESOLVE_FAILED')].map(
      (error): YamlIssue => ({ ...locate(error.pos[0]), message: firstLine(error.message) }),
    ),
    ...duplicateKeys(document.contents).map(({ key, offset }): YamlIssue => ({
      ...locate(offset),
      message: `the key "${key.slice(0, 80)}" is used twice`,
    })),
  ]);
  if (problems.length > 0) throw new YamlError('unreadable', 'is not valid YAML', problems);
  return documents
    .filter((document) => document.contents !== null && !isEmptyScalar(document.contents))
    .map((document) => {
      refuseReferences(document.contents, locate);
      return {
        value: plain(document.toJS({ maxAliasCount: 0 })),
        locate: (path, within) => {
          const { offset, node } = find(document, path, limits.formatPath);
          return (within === undefined ? undefined : positionInBlock(node, within, locate, text)) ?? locate(offset);
        },
      };
    });
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null && (node.source ?? '') === '';
}

/** Never the text itself: a value that was meant to be secret may be what cannot be read. */
function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/^Unresolved tag: .*/, 'Unresolved tag').slice(0, 200);
}

type LocateOffset = (offset: number) => { line: number; column: number };

/**
 * The tokens of a text that does not nest too deep. Checked while parsing, because composing is recursive: 20 kB of `[`
 * overflow the stack there, and 20 kB of `? ` keep it busy for minutes.
 */
function* shallowTokens(text: string, depth: number, lines: LineCounter, locate: LocateOffset): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    // Below the collections is their document; above them there can be a scalar.
    if (parser.stack.length > depth + 1 && CST.isCollection(parser.stack.at(-1))) {
      throw new YamlError('complex', `is nested deeper than ${depth} levels`, [
        { ...locate(parser.offset - lexeme.length), message: `more than ${depth} levels of nesting` },
      ]);
    }
  }
  yield* parser.end();
}

function duplicateKeys(node: unknown): { readonly key: string; readonly offset: number }[] {
  if (!isCollection(node)) return [];
  const seen = new Set<string>();
  return node.items.flatMap((item) => {
    if (!isPair(item)) return duplicateKeys(item);
    const key = isScalar(item.key) ? String(item.key.value) : undefined;
    const again = key !== undefined && seen.has(key) ? [{ key, offset: rangeStart(item.key) ?? 0 }] : [];
    if (key !== undefined) seen.add(key);
    return [...again, ...duplicateKeys(item.key), ...duplicateKeys(item.value)];
  });
}

function refuseReferences(node: unknown, locate: LocateOffset): void {
  const at = locate(rangeStart(node) ?? 0);
  if (isAlias(node)) {
    throw new YamlError('complex', 'uses a YAML alias', [
      { ...at, message: 'an alias is not allowed', expected: 'the value itself, in quotes if it starts with *' },
    ]);
  }
  if (isScalar(node) || isCollection(node)) {
    if (node.anchor !== undefined) {
      throw new YamlError('complex', 'uses a YAML anchor', [
        { ...at, message: 'an anchor is not allowed', expected: 'the value itself, in quotes if it starts with &' },
      ]);
    }
  }
  if (!isCollection(node)) return;
  for (const item of node.items) {
    if (isPair(item)) {
      refuseReferences(item.key, locate);
      refuseReferences(item.value, locate);
    } else refuseReferences(item, locate);
  }
}

/**
 * Whole numbers become numbers where that loses nothing: they are exactly one, or are how JavaScript writes one (2^60 is
 * printed as 1152921504606847000, and must read back). Others stay bigint, for the caller to refuse.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    const lossless = Number.isFinite(number) && (BigInt(number) === value || String(number) === String(value));
    return lossless ? number : value;
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  // Object.fromEntries defines own properties, so a key named __proto__ stays a plain key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** A position in the text of a literal block, which is below its marker, with equal indentation of each line. */
function positionInBlock(
  node: unknown,
  within: TextPosition,
  locate: LocateOffset,
  text: string,
): TextPosition | undefined {
  if (!isScalar(node) || node.type !== 'BLOCK_LITERAL') return undefined;
  const line = locate(rangeStart(node) ?? 0).line + within.line;
  const first = String(node.value).split('\n')[within.line - 1];
  const written = text.replace(/^\uFEFF/, '').split(/\r?\n/)[line - 1];
  if (first === undefined || written === undefined || !written.endsWith(first)) return undefined;
  return { line, column: written.length - first.length + within.column };
}

/** The key (or list item) at `path`, or its nearest ancestor that exists in the text, and its value. */
function find(
  document: Document,
  path: string,
  formatPath: YamlLimits['formatPath'],
): { offset: number; node: unknown } {
  let node: unknown = document.contents;
  let offset = rangeStart(node) ?? 0;
  let text = '';
  while (text !== path) {
    const prefix = text === '' ? [] : [text];
    if (isMap(node)) {
      const keys = node.items.flatMap(({ key, value }) =>
        isScalar(key) ? [{ key, value, name: String(key.value) }] : [],
      );
      // Keys may contain dots: the longest that fits is meant.
      const [found] = keys
        .filter(({ name }) => name !== '' && leadsTo(formatPath([...prefix, name]), path))
        .toSorted((a, b) => b.name.length - a.name.length);
      if (found === undefined) return { offset, node };
      text = formatPath([...prefix, found.name]);
      offset = rangeStart(found.key) ?? offset;
      node = found.value;
    } else if (isCollection(node)) {
      const index = /^\[(\d+)\]/.exec(path.slice(text.length))?.[1];
      const item = index === undefined ? undefined : node.items[Number(index)];
      if (item === undefined) return { offset, node };
      text += `[${index}]`;
      offset = rangeStart(item) ?? offset;
      node = item;
    } else return { offset, node };
  }
  return { offset, node };
}

function leadsTo(here: string, path: string): boolean {
  return path === here || path.startsWith(`${here}.`) || path.startsWith(`${here}[`);
}

function rangeStart(node: unknown): number | undefined {
  return (node as { range?: readonly [number, number, number] | null } | null)?.range?.[0];
}

/** Parsing takes about 10 µs for each token. */
const MOST_TOKENS = 20_000;

/** @throws Error for invalid YAML, and for so many tokens that parsing would take long. */
export function parseLimitedYaml(text: string, { aliases = 0 }: { readonly aliases?: number } = {}): unknown {
  let count = 0;
  // Lazily: of a longer text only the beginning is read.
  for (const _ of new Lexer().lex(text)) {
    count += 1;
    if (count > MOST_TOKENS) throw new Error(`it has more than ${MOST_TOKENS} YAML tokens`);
  }
  return parse(text, { maxAliasCount: aliases });
}
