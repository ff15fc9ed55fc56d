/** Writes Markdown that VitePress shows as meant: text is text, never HTML or a template. */

/** Escapes what Markdown, HTML and Vue templates would read; code spans (`…`) stay as they are. */
export function text(value: string): string {
  return value
    .split(/(`[^`]*`)/)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replaceAll('&', '&amp;')
            .replaceAll('<', '&lt;')
            .replaceAll('>', '&gt;')
            .replaceAll('{{', '&#123;&#123;')
            .replaceAll('*', '\\*'),
    )
    .join('');
}

export function code(value: string): string {
  return value.includes('`') ? `\`\` ${value} \`\`` : `\`${value}\``;
}

/** Cells are Markdown already; only what would end a cell is escaped. A table without rows is nothing. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function fence(language: string, body: string): string {
  return `\`\`\`${language}\n${body.trimEnd()}\n\`\`\``;
}

/** A page of the reference: a header with its source, then its parts; empty parts are omitted. */
export function page(title: string, from: string, parts: readonly string[]): string {
  const head = `---\ntitle: ${JSON.stringify(title)}\neditLink: false\n---\n\n<!-- Written by \`npm run generate\` from ${from}. -->`;
  return `${[head, `# ${title}`, ...parts.filter((part) => part !== '')].join('\n\n')}\n`;
}
