/** Pages of `dais explain`. Pure functions. */
import type { FieldRow, KindSpec } from '@dais/api';
import { findField, kindFields, type FoundField } from '#explain/field-lookup.ts';
import type { Style } from '#output/style.ts';
import { table } from '#output/table.ts';
import { wrap } from '#output/width.ts';

export interface PageOptions {
  readonly style: Style;
  readonly columns: number | undefined;
}

/** Width of running text without a terminal. */
const TEXT_COLUMNS = 100;

export function kindList(kinds: readonly KindSpec[], options: PageOptions): string {
  const rows = kinds.map((kind) => [
    { text: kind.kind },
    { text: [kind.plural, ...(kind.shortNames ?? [])].join(', ') },
    { text: kind.scope === 'org' ? 'organization' : 'project' },
    { text: firstSentence(kind.description) },
  ]);
  return `${table(['kind', 'also', 'scope', 'description'], rows, options)}\nOne kind: dais explain KIND. One field: dais explain KIND.FIELD.\n`;
}

export function kindPage(kind: KindSpec, all: boolean, options: PageOptions): string {
  const { style } = options;
  const { written, kept } = kindFields(kind);
  const spec = written.filter((row) => row.path.startsWith('spec.'));
  const metadata = written.filter((row) => row.path.startsWith('metadata.'));
  const belongs = kind.scope === 'org' ? 'organization kind' : 'project kind';
  return [
    `${style.bold(kind.kind)}   ${belongs}; also: ${[kind.plural, ...(kind.shortNames ?? [])].join(', ')}\n`,
    paragraph(kind.description, '  ', options),
    heading('Fields', options),
    rowsText([...(all ? metadata : []), ...spec], kind, options),
    ...(all ? [heading('Status', options), rowsText(kept, kind, options)] : []),
    ...(kind.actions.length === 0
      ? []
      : [
          heading('Actions', options),
          ...kind.actions.map(
            (action) =>
              `  ${style.accent(action.verb)}   dais action ${kind.plural} NAME ${action.verb}\n${paragraph(action.description, '      ', options)}`,
          ),
        ]),
    heading('Example', options),
    kind.example.replaceAll(/^(?=.)/gm, '  '),
    ...(all ? [] : [`\nmetadata and status: dais explain ${kind.kind} --all\n`]),
  ].join('');
}

export function fieldPage(kind: KindSpec, path: string, options: PageOptions): string {
  const found: FoundField = findField(kind, path);
  return [
    `${options.style.bold(`${kind.kind}.${found.path}`)}\n\n`,
    rowsText(found.rows, kind, options),
    ...(found.below.length === 0 ? [] : [heading('Subfields', options), rowsText(found.below, kind, options)]),
  ].join('');
}

/** Fields of a single variant are listed under a line that names it. */
function rowsText(rows: readonly FieldRow[], kind: KindSpec, options: PageOptions): string {
  let variant = '';
  return rows
    .map((row) => {
      const own = row.when === undefined ? '' : `${row.when.path} is ${row.when.value}`;
      const turn = own === variant ? '' : own === '' ? '\n' : `\n  ${options.style.bold(`When ${own}`)}\n`;
      variant = own;
      return `${turn}${fieldLines(row, kind, options)}`;
    })
    .join('');
}

/** Two lines or more: path and type, then the description. */
function fieldLines(row: FieldRow, kind: KindSpec, options: PageOptions): string {
  const { style } = options;
  const facts = [
    plain(row.type),
    ...(row.required ? [style.warn('required')] : []),
    ...(row.default === undefined ? [] : [`default ${row.default}`]),
    ...(kind.writeOnly?.some((field) => row.path === `spec.${field}`) === true ? ['write-only'] : []),
    ...(kind.immutable?.some((field) => row.path === `spec.${field}`) === true ? ['immutable'] : []),
  ];
  const head = `  ${style.accent(row.path)}   ${facts.join('; ')}\n`;
  return row.description === '' ? head : `${head}${paragraph(row.description, '      ', options)}`;
}

function heading(title: string, { style }: PageOptions): string {
  return `\n${style.bold(title)}\n`;
}

function paragraph(text: string, indent: string, { columns }: PageOptions): string {
  const width = Math.max(40, Math.min(columns ?? TEXT_COLUMNS, 120) - indent.length);
  return wrap(plain(text), width)
    .map((line) => `${indent}${line}\n`)
    .join('');
}

/** Backticks mark code in web pages; a terminal shows the plain word. */
function plain(text: string): string {
  return text.replaceAll('`', '');
}

/** Up to the first period, or to a colon after enough text. */
function firstSentence(text: string): string {
  return /^.{20,}?[.:](?=\s|$)|^.*?\.(?=\s|$)/.exec(text)?.[0].replace(/:$/, '.') ?? text;
}
