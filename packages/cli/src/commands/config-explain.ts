import { configFields, DaisError, nearest, type ConfigField } from '@dais/api';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import type { Terminal } from '#output/terminal.ts';
import { wrap } from '#output/width.ts';

export const run: Run = async (context, [word]) => {
  const fields = chosenFields(word);
  if (await printedForPrograms(context, fields)) return exitCodes.ok.code;
  context.terminal.out(fields.map((field) => fieldText(field, context.terminal)).join('\n'));
  return exitCodes.ok.code;
};

/** By path, by part of a path, or by variable. @throws DaisError `not_found` with the nearest. */
function chosenFields(word: string | undefined): readonly ConfigField[] {
  const all = configFields().flatMap((field) => [field, ...(field.items ?? [])]);
  if (word === undefined) return all;
  const path = word.replace(/^spec\./, '');
  const found = all.filter(
    (field) =>
      field.path === path ||
      field.path.startsWith(`${path}.`) ||
      field.path.startsWith(`${path}[]`) ||
      field.variable === word,
  );
  if (found.length > 0) return found;
  const near = nearest(
    path,
    all.flatMap((field) => (field.variable === '' ? [field.path] : [field.path, field.variable])),
  );
  const hint = near === undefined ? '`dais config explain` lists them' : `did you mean ${near}?`;
  throw new DaisError('not_found', `The configuration has no field "${word}" (${hint}).`);
}

function fieldText(field: ConfigField, { style, columns }: Terminal): string {
  const facts = [
    field.values === undefined ? field.type : field.values.join(' | '),
    ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
    ...(field.secret ? ['never shown'] : []),
    ...(field.variant === undefined ? [] : [`only when ${field.variant.path} is ${field.variant.value}`]),
  ];
  const width = Math.max(40, Math.min(columns ?? 100, 120) - 6);
  const lines = wrap(field.description.replaceAll('`', ''), width).map((line) => `      ${line}\n`);
  const variable = field.variable === '' ? '' : `  ${style.dim(field.variable)}\n`;
  return `${style.accent(field.path)}   ${facts.join('; ')}\n${variable}${lines.join('')}`;
}
