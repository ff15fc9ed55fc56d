import { errorCatalog, hasCatalogRemedy, type DaisError, type ErrorCode, type Issue } from '@dais/api/errors';
import type { Style } from '#output/style.ts';
import { cutTo, printable, widthOf } from '#output/width.ts';

export interface ErrorTextOptions {
  readonly style: Style;
  /** Texts by file: the line of an issue is printed. */
  readonly sources: ReadonlyMap<string, string>;
  readonly columns: number | undefined;
}

/** Formats an error: every issue with its position, its line and a caret, then the message, then the remedy. */
export function errorText(error: DaisError, options: ErrorTextOptions): string {
  const { style } = options;
  const { title } = errorCatalog[error.code];
  const issues = error.issues ?? [];
  // With listed issues, the title is more useful than a message that repeats the first issue.
  const detail = issues.length > 0 || error.message === '' ? `${title}.` : printable(error.message);
  return [
    ...issues.map((issue) => issueText(issue, options)),
    `${style.fail('error:')} ${style.bold(detail)}${issues.length > 1 ? ` ${issues.length} errors.` : ''}`,
    ...(error.holders ?? []).map((holder) => `used by ${printable(holder)}`),
    ...remedyLines(error),
    ...(error.requestId !== undefined && error.status >= 500 ? [`  request ${printable(error.requestId)}`] : []),
    '',
  ].join('\n');
}

/** None for an error without the list that its remedy refers to: its message, printed above, has the remedy. */
function remedyLines(error: DaisError): string[] {
  return error.message === '' || hasCatalogRemedy(error) ? [`  ${remedyFor(error.code)}`] : [];
}

/** Remedies name fields of the problem document; these are printed above, or at the location of `place`. */
export function remedyFor(code: ErrorCode, location = 'above'): string {
  return errorCatalog[code].remedy.replaceAll(/(?:(?:under|in) )?`(?:issues|detail|holders)`/g, location);
}

function issueText(issue: Issue, options: ErrorTextOptions): string {
  const path = [issue.file, issue.line, issue.line === undefined ? undefined : issue.column]
    .filter((part) => part !== undefined)
    .join(':');
  const hints = [
    ...(issue.expected === undefined ? [] : [`expected ${issue.expected}`]),
    ...(issue.nearest === undefined || issue.nearest === issue.expected ? [] : [`did you mean ${issue.nearest}?`]),
  ];
  const head = [
    ...(path === '' ? [] : [options.style.bold(printable(path))]),
    ...(issue.path === undefined || issue.path === '' ? [] : [printable(issue.path)]),
    printable(issue.message),
  ].join(': ');
  const line = `${head}${hints.length === 0 ? '' : ` (${printable(hints.join('; '))})`}`;
  return [line, ...excerpt(issue, options)].join('\n');
}

/** The line with a caret below the column, truncated around the caret in a narrow terminal. */
function excerpt(issue: Issue, { sources, style, columns }: ErrorTextOptions): string[] {
  const text = issue.file === undefined ? undefined : sources.get(issue.file);
  if (text === undefined || issue.line === undefined) return [];
  const line = text.split(/\r\n|\r|\n/)[issue.line - 1];
  if (line === undefined || line.trim() === '') return [];
  const number = `${String(issue.line).padStart(6)} | `;
  const before = printable(line.slice(0, (issue.column ?? 1) - 1));
  const shown = printable(line);
  const room = Math.max(20, (columns ?? 160) - number.length);
  const skip = widthOf(before) > room - 10 ? before.length - Math.floor(room / 2) : 0;
  const visible = cutTo(skip === 0 ? shown : `…${shown.slice(skip)}`, room);
  const indent = ' '.repeat(widthOf(skip === 0 ? before : `…${before.slice(skip)}`));
  const caret = issue.column === undefined ? [] : [`${style.dim('       | ')}${indent}${style.fail('^')}`];
  return [`${style.dim(number)}${visible}`, ...caret];
}
