/**
 * Descriptions of wire messages, which are defined in protocol buffers and sent as JSON. Each description provides the
 * parser, the TypeScript types of handlers, and the check against the published schema.
 */

interface FieldOf<T> {
  readonly kind: 'string' | 'int32' | 'int64' | 'bool' | 'time' | 'struct' | 'texts' | 'enum' | 'message' | 'any';
  /** Names of an enum with their numbers. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly message?: Message;
  /** Only for the type; never set. */
  readonly type?: T;
}

export type Field = FieldOf<unknown>;
export type Message = Readonly<Record<string, Field>>;

/** Type of a parsed message. Missing and null fields are absent. */
export type Values<M extends Message> = { readonly [K in keyof M]?: NonNullable<M[K]['type']> };

export const string: FieldOf<string> = { kind: 'string' };
export const int32: FieldOf<number> = { kind: 'int32' };
/** Sent as a string, because JSON numbers cannot represent all values. Must be a safe integer here. */
export const int64: FieldOf<number> = { kind: 'int64' };
/** RFC 3339 on the wire, milliseconds since 1970 here. */
export const time: FieldOf<number> = { kind: 'time' };
export const bool: FieldOf<boolean> = { kind: 'bool' };
/** A JSON object. */
export const struct: FieldOf<Readonly<Record<string, unknown>>> = { kind: 'struct' };
/** A map of strings. */
export const texts: FieldOf<Readonly<Record<string, string>>> = { kind: 'texts' };
/** Output only: ignored in requests. */
export const outputOnly: FieldOf<never> = { kind: 'any' };

export function enumeration<const Name extends string>(numbers: Readonly<Record<Name, number>>): FieldOf<Name> {
  return { kind: 'enum', numbers };
}

export function nested<const M extends Message>(message: M): FieldOf<Values<M>> {
  return { kind: 'message', message };
}
