import type { FieldRow } from '@dais/api';
import { code, table, text } from './markdown.ts';

export { fieldRows } from '@dais/api';
export type { FieldRow, JsonSchema } from '@dais/api';

/** The tables of fields that reference pages show: one for all, then one for each variant. */
export function fieldTable(rows: readonly FieldRow[], withInput: boolean): string {
  const variants = [
    ...new Set(rows.map((row) => (row.when === undefined ? '' : `${row.when.path} ${row.when.value}`))),
  ];
  return variants
    .map((variant) => {
      const [path, value] = variant.split(' ');
      const own = rows.filter(
        (row) => (row.when === undefined ? '' : `${row.when.path} ${row.when.value}`) === variant,
      );
      const head = variant === '' ? '' : `Only when \`${path}\` is \`${value}\`:\n\n`;
      return head + plainTable(own, withInput);
    })
    .join('\n\n');
}

function plainTable(rows: readonly FieldRow[], withInput: boolean): string {
  return table(
    withInput ? ['Field', 'Type', 'Required', 'Default', 'Meaning'] : ['Field', 'Type', 'Meaning'],
    rows.map((row) =>
      withInput
        ? [
            code(row.path),
            row.type,
            row.required ? 'yes' : '',
            row.default === undefined ? '' : code(row.default),
            text(row.description),
          ]
        : [code(row.path), row.type, text(row.description)],
    ),
  );
}
