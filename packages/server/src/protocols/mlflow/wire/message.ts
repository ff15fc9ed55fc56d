/**
 * Messages of the wire format as data. MLflow describes them in protocol buffers and sends them as JSON; one
 * description here produces the parser, the TypeScript types of handlers and the table in the documentation.
 */

export type ScalarKind = 'string' | 'int32' | 'int64' | 'double' | 'bool' | 'enum' | 'map' | 'json';

interface FieldOf<T, Required extends boolean> {
  readonly kind: ScalarKind | 'message';
  readonly repeated: boolean;
  readonly required: Required;
  /** Names of an enum, with their numbers. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly message?: Message;
  /** The maximum accepted number; a larger value counts as a wrong type. */
  readonly most?: number;
  /** Carries the type; never there. */
  readonly type?: T;
}

export type Field = FieldOf<unknown, boolean>;
/** In the order of errors: the field that MLflow checks first comes first. */
export type Message = Readonly<Record<string, Field>>;

/** What a parsed message is: text, numbers, truth values, lists and messages. What was not sent is not there. */
export type Values<M extends Message> = {
  readonly [K in keyof M as M[K]['required'] extends true ? K : never]: TypeOf<M[K]>;
} & {
  readonly [K in keyof M as M[K]['required'] extends true ? never : K]?: TypeOf<M[K]>;
};

type TypeOf<F extends Field> = NonNullable<F['type']>;

function scalar<T>(kind: ScalarKind): FieldOf<T, false> {
  return { kind, repeated: false, required: false };
}

export const string: FieldOf<string, false> = scalar('string');
export const int32: FieldOf<number, false> = scalar('int32');
export const int64: FieldOf<number, false> = scalar('int64');
/** JSON represents NaN and the infinities as strings; here they are numbers. */
export const double: FieldOf<number, false> = scalar('double');
export const bool: FieldOf<boolean, false> = scalar('bool');
/** Text by text. */
export const map: FieldOf<Readonly<Record<string, string>>, false> = scalar('map');
/** Any JSON value. */
export const json: FieldOf<unknown, false> = scalar('json');

/** Numbered from 1, as most enums of MLflow are, unless the numbers are given. */
export function enumeration<const Name extends string>(
  names: readonly Name[],
  numbers: Partial<Record<Name, number>> = {},
): FieldOf<Name, false> {
  return {
    ...scalar<Name>('enum'),
    numbers: Object.fromEntries(names.map((name, index) => [name, numbers[name] ?? index + 1])),
  };
}

export function nested<const M extends Message>(message: M): FieldOf<Values<M>, false> {
  return { kind: 'message', repeated: false, required: false, message };
}

export function repeated<T>(field: FieldOf<T, false>): FieldOf<readonly T[], false> {
  return { ...field, repeated: true } as FieldOf<readonly T[], false>;
}

export function required<T>(field: FieldOf<T, false>): FieldOf<T, true> {
  return { ...field, required: true };
}

export function atMost(field: FieldOf<number, false>, most: number): FieldOf<number, false> {
  return { ...field, most };
}
