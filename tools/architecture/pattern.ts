/** Path patterns of the arrow table: `<x>` binds a segment, `*` matches within a segment, `**` everything below. */

export type Bindings = Readonly<Record<string, string>>;

/** The segments that `<x>` matched, or undefined when the path does not match. */
export function matchPath(pattern: string, path: string): Bindings | undefined {
  const match = regexOf(pattern).exec(path);
  return match ? { ...match.groups } : undefined;
}

export function matchesAny(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => regexOf(pattern).test(path));
}

/** The pattern with each bound `<x>` replaced by its match. */
export function bind(pattern: string, bindings: Bindings): string {
  return pattern.replaceAll(/<(\w+)>/g, (whole, name: string) => bindings[name] ?? whole);
}

const compiled = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const source = pattern
    .replaceAll(/[.+^$()|[\]{}\\]/g, String.raw`\$&`)
    .replaceAll('**/', '\u0001')
    .replaceAll('**', '\u0002')
    .replaceAll('*', '[^/]*')
    .replaceAll('\u0001', '(?:.*/)?')
    .replaceAll('\u0002', '.*')
    .replaceAll(/<(\w+)>/g, '(?<$1>[^/]+)');
  const regex = new RegExp(`^${source}$`);
  compiled.set(pattern, regex);
  return regex;
}
