/** Returns the differences of two texts as one list of lines, with shortened unchanged stretches. */
import { diffLines } from 'diff';

export type DiffLine =
  | {
      readonly type: 'same' | 'added' | 'removed';
      readonly text: string;
      readonly before?: number;
      readonly after?: number;
    }
  | { readonly type: 'skipped'; readonly count: number };

/** Unchanged lines that are kept around a change. */
const AROUND = 3;

export function diffTexts(before: string, after: string): readonly DiffLine[] {
  const lines: Extract<DiffLine, { text: string }>[] = [];
  let left = 1;
  let right = 1;
  for (const { value, added, removed } of diffLines(ended(before), ended(after))) {
    for (const text of value.replace(/\n$/, '').split('\n')) {
      if (added) lines.push({ type: 'added', text, after: right++ });
      else if (removed) lines.push({ type: 'removed', text, before: left++ });
      else lines.push({ type: 'same', text, before: left++, after: right++ });
    }
  }
  return shorten(lines);
}

/** Otherwise a last line without a line break would differ from the same line with one. */
function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

function shorten(lines: readonly Extract<DiffLine, { text: string }>[]): readonly DiffLine[] {
  const near = new Set<number>();
  lines.forEach((line, at) => {
    if (line.type === 'same') return;
    for (let i = at - AROUND; i <= at + AROUND; i++) near.add(i);
  });
  const short: DiffLine[] = [];
  let skipped = 0;
  lines.forEach((line, at) => {
    if (near.has(at)) {
      if (skipped > 0) short.push({ type: 'skipped', count: skipped });
      skipped = 0;
      short.push(line);
    } else skipped++;
  });
  if (skipped > 0 && short.length > 0) short.push({ type: 'skipped', count: skipped });
  return short;
}
