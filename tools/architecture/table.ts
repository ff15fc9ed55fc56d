/** The arrow table as Markdown, and its position in ARCHITECTURE.md. */
import { arrows, limits, type Arrow } from '../arrows.ts';

const BEGIN = '<!-- arrows:begin -->';
const END = '<!-- arrows:end -->';

export function arrowTable(): string {
  const rows = [['folder', 'may import', 'and'], ...arrows.map((arrow) => [name(arrow), may(arrow), arrow.note ?? ''])];
  // Padded as the formatter pads, so that both agree on one text.
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const [head = '', ...body] = rows.map(
    (row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`,
  );
  return [
    head,
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...body,
    '',
    `A file has at most ${limits.fileLines} code lines, the kernel at most ${limits.kernelLines.toLocaleString('en')}.`,
  ].join('\n');
}

/**
 * The document with the table of today between its markers.
 * @throws Error when the markers are missing
 */
export function withTable(document: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`ARCHITECTURE.md has lost its markers: ${BEGIN} … ${END}`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${arrowTable()}\n\n${document.slice(end)}`;
}

function name(arrow: Arrow): string {
  return `\`${arrow.zone}\`${arrow.planned ? ' (to come)' : ''}`;
}

function may(arrow: Arrow): string {
  const targets = arrow.may.map((pattern) => `\`${short(pattern)}\``);
  const packages = (arrow.packages ?? []).map((entry) => `\`${entry}\``);
  return [...targets, ...packages].join(', ') || 'nothing';
}

function short(pattern: string): string {
  if (pattern === '**') return 'all of server';
  return pattern.replace('packages/web/src/**', 'web/ui').replace(/\/\*\*$/, '');
}
