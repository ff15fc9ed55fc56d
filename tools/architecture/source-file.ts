/** The properties of a source file for the rules, read with a parser: a text search would also match comments. */
import { parseSync } from 'oxc-parser';

export interface Import {
  /** As written: `#kernel/store.ts`, `./x.ts`, `zod`. */
  readonly from: string;
  readonly line: number;
  readonly typeOnly: boolean;
  /** Behind `import()`. */
  readonly lazy: boolean;
}

export interface Text {
  /** A string, or a template with `${}` where its values go. */
  readonly value: string;
  readonly line: number;
}

export interface SourceFile {
  readonly path: string;
  readonly imports: readonly Import[];
  /** Lines of `import(x)` whose x is not a string. */
  readonly unknownImports: readonly number[];
  readonly texts: readonly Text[];
  readonly exportsAll: readonly number[];
  readonly defaultExports: readonly number[];
  /** Lines that read the environment of the process. */
  readonly environment: readonly number[];
  /** Lines that call the global fetch. */
  readonly fetches: readonly number[];
  /** Lines that replace a module by a double. */
  readonly mocks: readonly number[];
  /** `schema` of objects that also have `migrations`: slices of the database. */
  readonly slices: readonly Text[];
  /** The code without its comments; line breaks stay. */
  readonly code: string;
  readonly codeLines: number;
  /** Syntax errors. */
  readonly errors: readonly string[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Reads one file; never throws: syntax errors are in `errors`. */
export function readSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path.endsWith('.d.mts') ? `${path}.ts` : path, text);
  const lineAt = lineFinder(text);
  const code = withoutComments(text, comments);
  const found = { texts: [] as Text[], environment: [] as number[], fetches: [] as number[], mocks: [] as number[] };
  const slices: Text[] = [];
  const lazy: Import[] = [];
  const unknownImports: number[] = [];
  walk(program as unknown as Node, (node) => {
    const line = lineAt(node.start);
    const value = textOf(node);
    if (value !== undefined) found.texts.push({ value, line });
    if (isMember(node, 'process', 'env')) found.environment.push(line);
    if (node.type === 'CallExpression') {
      const callee = node['callee'] as Node;
      if (isName(callee, 'fetch') || isMember(callee, 'globalThis', 'fetch')) found.fetches.push(line);
      if (isMember(callee, 'vi', 'mock') || isMember(callee, 'vi', 'doMock')) found.mocks.push(line);
    }
    if (node.type === 'ImportExpression') {
      const target = textOf(node['source'] as Node);
      if (target === undefined || /^\$\{\}|^[.#].*\$\{\}/.test(target)) unknownImports.push(line);
      else lazy.push({ from: target, line, typeOnly: false, lazy: true });
    }
    if (node.type === 'TSImportType') {
      const target = textOf(node['source'] as Node);
      if (target !== undefined) lazy.push({ from: target, line, typeOnly: true, lazy: false });
    }
    const schema = sliceSchema(node);
    if (schema) slices.push({ value: textOf(schema) ?? '', line: lineAt(schema.start) });
  });
  const fromEnvironment = module.staticImports
    .filter((entry) => ['node:process', 'process'].includes(entry.moduleRequest.value))
    .filter((entry) => entry.entries.some((name) => name.importName.name === 'env'))
    .map((entry) => lineAt(entry.start));
  const exported = module.staticExports.flatMap((entry) => entry.entries);
  return {
    path,
    imports: [
      ...module.staticImports.map((entry) => ({
        from: entry.moduleRequest.value,
        line: lineAt(entry.start),
        typeOnly: /^import\s+type\b/.test(text.slice(entry.start, entry.end)) || onlyTypes(entry.entries),
        lazy: false,
      })),
      ...exported.flatMap((entry) =>
        entry.moduleRequest
          ? [{ from: entry.moduleRequest.value, line: lineAt(entry.start), typeOnly: entry.isType, lazy: false }]
          : [],
      ),
      ...lazy,
    ],
    unknownImports,
    texts: found.texts,
    exportsAll: exported
      .filter((entry) => entry.moduleRequest !== null && kindOf(entry.exportName) === 'None')
      .map((entry) => lineAt(entry.start)),
    defaultExports: exported
      .filter((entry) => kindOf(entry.exportName) === 'Default' || entry.exportName.name === 'default')
      .map((entry) => lineAt(entry.start)),
    environment: [...found.environment, ...fromEnvironment],
    fetches: found.fetches,
    mocks: found.mocks,
    slices,
    code,
    codeLines: code.split('\n').filter((line) => line.trim() !== '').length,
    errors: errors.map((error) => error.message),
  };
}

/** The parser's enum as the plain string that it is. */
function kindOf(name: { readonly kind: string }): string {
  return name.kind;
}

function onlyTypes(entries: readonly { readonly isType: boolean }[]): boolean {
  return entries.length > 0 && entries.every((entry) => entry.isType);
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (isNode(child)) walk(child, visit);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function textOf(node: Node): string | undefined {
  if (node.type === 'Literal' && typeof node['value'] === 'string') return node['value'];
  if (node.type !== 'TemplateLiteral') return undefined;
  const parts = node['quasis'] as readonly { readonly value: { readonly raw: string } }[];
  return parts.map((part) => part.value.raw).join('${}');
}

function isName(node: Node, name: string): boolean {
  return node.type === 'Identifier' && node['name'] === name;
}

function isMember(node: Node, object: string, property: string): boolean {
  return (
    node.type === 'MemberExpression' &&
    isName(node['object'] as Node, object) &&
    isName(node['property'] as Node, property)
  );
}

function sliceSchema(node: Node): Node | undefined {
  if (node.type !== 'ObjectExpression') return undefined;
  const properties = (node['properties'] as readonly Node[]).filter((property) => property.type === 'Property');
  const named = (name: string) => properties.find((property) => isName(property['key'] as Node, name));
  const schema = named('schema')?.['value'];
  return named('migrations') && isNode(schema) ? schema : undefined;
}

function withoutComments(text: string, comments: readonly { readonly start: number; readonly end: number }[]): string {
  let code = '';
  let from = 0;
  for (const { start, end } of comments) {
    code += text.slice(from, start) + text.slice(start, end).replaceAll(/[^\n]/g, ' ');
    from = end;
  }
  return code + text.slice(from);
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
