/** Edits of hand-written files: adds a line next to similar lines, in order, once. */

/** Adds an import to the imports, which are sorted by their source. */
export function addImport(text: string, line: string): string {
  if (text.includes(line)) return text;
  const lines = text.split('\n');
  const key = sourceOf(line);
  const imports = lines.flatMap((each, at) => (/^(import|export) .* from '.*';$/.test(each) ? [at] : []));
  const after = imports.findLast((at) => sourceOf(lines[at] ?? '') < key && sameWord(lines[at] ?? '', line));
  const first = imports.find((at) => sameWord(lines[at] ?? '', line)) ?? 0;
  lines.splice(after === undefined ? first : after + 1, 0, line);
  return lines.join('\n');
}

/**
 * Adds an item to the end of a list: `name = [a, b]` or `name: [a, b]`, on one or several lines. The formatter sets the layout.
 * @throws Error when there is no such list
 */
export function addToList(text: string, name: string, item: string): string {
  const match = new RegExp(`\\b${name}\\b[^=:\\n]*(?::[^=\\n]*)?(?:=|:)\\s*\\[`).exec(text);
  if (!match) throw new Error(`there is no list "${name}"`);
  const start = match.index + match[0].length;
  let depth = 1;
  let end = start;
  while (depth > 0 && end < text.length) {
    if (text[end] === '[') depth++;
    if (text[end] === ']') depth--;
    end++;
  }
  const inside = text.slice(start, end - 1);
  if (new RegExp(`(^|[\\s,])${item}([\\s,]|$)`).test(inside)) return text;
  const trimmed = inside.replace(/[\s,]+$/, '');
  return `${text.slice(0, start)}${trimmed}${trimmed.trim() === '' ? '' : ', '}${item}${text.slice(end - 1)}`;
}

/**
 * Replaces the first match of a pattern.
 * @throws Error when the file has another form
 */
export function replaceIn(text: string, file: string, pattern: RegExp, replace: (match: string) => string): string {
  if (!pattern.test(text)) throw new Error(`${file} has a form that this scaffold does not support: edit it by hand`);
  return text.replace(pattern, replace);
}

function sourceOf(line: string): string {
  return /from '(.*)'/.exec(line)?.[1] ?? '';
}

function sameWord(one: string, other: string): boolean {
  return one.split(' ')[0] === other.split(' ')[0];
}
