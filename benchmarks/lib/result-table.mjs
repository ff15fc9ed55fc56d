/** The tables of benchmarks, in Markdown: `npm run bench` reads them (tools/bench-results.mjs) and a terminal shows them aligned. */

/**
 * Returns a table with its title. The page of results identifies a row by its cells below the headers of `KEY_COLUMNS`.
 * @param {string} title
 * @param {readonly string[]} header
 * @param {readonly (readonly string[])[]} rows
 */
export function resultTable(title, header, rows) {
  const cells = [header, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = header.map((_, at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const lines = cells.map((row) => `| ${widths.map((width, at) => (row[at] ?? '').padEnd(width)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [`### ${title}`, '', lines[0], rule, ...lines.slice(1)].join('\n');
}

/** Headers of the columns that identify a row. */
export const KEY_COLUMNS = ['call', 'server', 'measurement', 'claim'];
