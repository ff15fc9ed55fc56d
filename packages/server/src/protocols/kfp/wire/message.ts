/**
 * Messages of the wire as data. They are described in protocol buffers and sent as JSON; one description here gives the
 * parser, the TypeScript types of handlers and the check against what is published.
 */

interface FieldOf<T> {
  readonly kind: 'string' | 'int32' | 'int64' | 'bool' | 'time' | 'struct' | 'texts' | 'enum' | 'message' | 'any';
  /** Names of an enum, with their numbers. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly message?: Message;
  /** Carries the type; never there. */
  readonly type?: T;
}

export type Field = FieldOf<unknown>;
export type Message = Readonly<Record<string, Field>>;

/** What a parsed message is. What was not sent, or sent as null, is not there. */
export type Values<M extends Message> = { readonly [K in keyof M]?: NonNullable<M[K]['type']> };

export const string: FieldOf<string> = { kind: 'string' };
export const int32: FieldOf<number> = { kind: 'int32' };
/** Sent as text, since JSON's numbers do not hold all of them; here it is a number, and has to be safe. */
export const int64: FieldOf<number> = { kind: 'int64' };
/** RFC 3339 on the wire, milliseconds since 1970 here. */
export const time: FieldOf<number> = { kind: 'time' };
export const bool: FieldOf<boolean> = { kind: 'bool' };
/** An object of any JSON. */
export const struct: FieldOf<Readonly<Record<string, unknown>>> = { kind: 'struct' };
/** Text by text. */
export const texts: FieldOf<Readonly<Record<string, string>>> = { kind: 'texts' };
/** What only the server says: taken from nobody, whatever it is. */
export const told: FieldOf<never> = { kind: 'any' };

export function enumeration<const Name extends string>(numbers: Readonly<Record<Name, number>>): FieldOf<Name> {
  return { kind: 'enum', numbers };
}

export function nested<const M extends Message>(message: M): FieldOf<Values<M>> {
  return { kind: 'message', message };
}
