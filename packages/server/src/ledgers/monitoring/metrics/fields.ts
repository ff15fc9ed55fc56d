/** The fields of a window: inputs and outputs of a model, or columns of a dataset. Elements of short lists are separate fields. */
import type { Column } from '#engines/query/contract.ts';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';

export type Side = 'input' | 'output';
export type Family = 'number' | 'boolean' | 'text' | 'time' | 'other';

export interface Field {
  readonly side: Side;
  /** The displayed name: `distance`, `scores[1]`. */
  readonly name: string;
  readonly family: Family;
  readonly type: string;
  /** Values are restricted: categories are replaced by digests. */
  readonly masked: boolean;
  readonly value: Expression;
}

/** Maximum length of a list whose elements become fields; longer lists are images or texts. */
export const MAX_ELEMENTS = 64;
/** Maximum number of fields of a window. */
export const MAX_FIELDS = 500;

export function keyOfField({ side, name }: Pick<Field, 'side' | 'name'>): string {
  return `${side}:${name.toLowerCase()}`;
}

function familyOf(type: string): Family {
  if (/^(u?int(8|16|32|64)|float(32|64)|decimal\()/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  return type === 'date' || type === 'timestamp' ? 'time' : 'other';
}

interface Source {
  readonly columns: readonly Column[];
  /** The largest number of elements of each list column. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Lower-case names. */
  readonly masked: ReadonlySet<string>;
}

/** Returns the fields of prediction columns: `in_…` and `out_…`. */
export function fieldsOfPredictions({ columns, sizes, masked }: Source): Field[] {
  return columns.flatMap((one) => {
    const side = one.name.startsWith('in_') ? 'input' : one.name.startsWith('out_') ? 'output' : undefined;
    if (side === undefined) return [];
    const name = one.name.slice(side === 'input' ? 3 : 4);
    return fieldsOfColumn(one, { side, name, masked: masked.has(name.toLowerCase()), size: sizes.get(one.name) ?? 0 });
  });
}

/** Returns the fields of dataset rows; all of them are inputs. */
export function fieldsOfTable({ columns, sizes, masked }: Source): Field[] {
  return columns.flatMap((one) =>
    fieldsOfColumn(one, {
      side: 'input',
      name: one.name,
      masked: masked.has(one.name.toLowerCase()),
      size: sizes.get(one.name) ?? 0,
    }),
  );
}

function fieldsOfColumn(
  { name: source, type }: Column,
  { side, name, masked, size }: Pick<Field, 'side' | 'name' | 'masked'> & { readonly size: number },
): Field[] {
  const element = elementType(type);
  if (element === undefined) return [{ side, name, masked, type, family: familyOf(type), value: column(source) }];
  if (size > MAX_ELEMENTS) return [];
  return Array.from({ length: size }, (_, at) => ({
    side,
    name: `${name}[${at}]`,
    masked,
    type: element,
    family: familyOf(element),
    value: call('element', column(source), literal(at + 1)),
  }));
}

/** Returns the element type of `list<float64>`; undefined for other types. */
export function elementType(type: ColumnType): string | undefined {
  return /^list<(.*)>$/.exec(type)?.[1];
}

export function isNumeric({ family }: Pick<Field, 'family'>): boolean {
  return family === 'number' || family === 'time';
}

/** Converts to float64, including NaN and infinities; times become milliseconds since 1970. */
export function numberOf({ family, type, value }: Field): Expression {
  if (family !== 'time') return cast(value, 'float64');
  const moment = type === 'date' ? cast(value, 'timestamp') : value;
  return call('/', cast(call('epoch-us', moment), 'float64'), literal(1000, 'float64'));
}

/** Converts finite numbers to float64; others become NULL. */
export function finiteOf(field: Field): Expression {
  const number = numberOf(field);
  return field.type.startsWith('float') ? when(call('is-finite', number), number) : number;
}

/** Converts to the text that values are counted by; restricted values become digests. */
export function categoryText({ type, masked, value }: Field): Expression {
  const text = call('left', type === 'string' ? value : cast(value, 'string'), literal(200));
  return masked ? call('concat', literal('#'), call('left', call('sha256', text), literal(10))) : text;
}

/** Whether a name in a manifest selects this field. `scores` selects all its elements. */
export function isNamed(field: Pick<Field, 'name'>, names: readonly string[]): boolean {
  const name = field.name.toLowerCase();
  const whole = name.replace(/\[\d+\]$/, '');
  return names.some((one) => one.toLowerCase() === name || one.toLowerCase() === whole);
}
