/** Bodies as text: checks of every JSON or YAML body before it is interpreted. */
import { DaisError, type Issue } from '@dais/api';
import { jsonError } from '#http/json-fault.ts';
import { invalidUtf8At } from '#lib/utf8.ts';
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
    const position = placeOf(text, offset);
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

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
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
