/** The declared type of a row, as far as it is compared with columns. */
import { SymbolFlags, TypeFlags, type Checker, type Type } from 'typescript/unstable/sync';

export interface RowProperty {
  readonly name: string;
  readonly optional: boolean;
  readonly nullable: boolean;
  /** The types of its values, without null: see `Family`. */
  readonly families: readonly Family[];
  /** As a person reads it. */
  readonly text: string;
}

export interface RowType {
  readonly text: string;
  readonly properties: readonly RowProperty[];
  /** `Record<string, unknown>` and its like: any column fits. */
  readonly open: boolean;
  /** A type parameter of the function around: what it is differs from call to call. */
  readonly generic: boolean;
}

/** `array:string` is an array of texts. */
export type Family = string;

export function rowTypeOf(checker: Checker, type: Type): RowType {
  const variants = membersOf(type);
  const all = variants.map((variant) => propertiesOf(checker, variant));
  const names = new Set(all.flatMap((properties) => properties.map(({ name }) => name)));
  const properties = [...names].map((name): RowProperty => {
    const found = all.map((list) => list.find((property) => property.name === name));
    const present = found.filter((property) => property !== undefined);
    return {
      name,
      optional: present.some(({ optional }) => optional),
      // A variant without the property has no information about its values.
      nullable: present.some(({ nullable }) => nullable) || present.length < variants.length,
      families: [...new Set(present.flatMap(({ families }) => families))],
      text: [...new Set(present.map(({ text }) => text))].join(' | '),
    };
  });
  return {
    text: checker.typeToString(type),
    properties,
    open: checker.getIndexInfosOfType(type).length > 0,
    generic: partsOf(type).some((part) => part.isTypeParameter()),
  };
}

function partsOf(type: Type): readonly Type[] {
  return type.isIntersectionType() ? type.getTypes().flatMap(partsOf) : [type];
}

function propertiesOf(checker: Checker, type: Type): readonly RowProperty[] {
  return checker.getPropertiesOfType(type).map((symbol) => {
    const declared = checker.getTypeOfSymbol(symbol);
    const members = declared === undefined ? [] : membersOf(declared);
    return {
      name: symbol.name,
      optional: (symbol.flags & SymbolFlags.Optional) !== 0,
      nullable: members.some((member) => (member.flags & (TypeFlags.Null | TypeFlags.Any | TypeFlags.Unknown)) !== 0),
      families: [...new Set(members.flatMap((member) => familyOf(checker, member)))],
      text: declared === undefined ? 'unknown' : checker.typeToString(declared),
    };
  });
}

function membersOf(type: Type): readonly Type[] {
  return type.isUnionType() ? type.getTypes().flatMap(membersOf) : [type];
}

/** PostgreSQL's arrays have as many dimensions at most. */
const MOST_DEPTH = 6;

const FLAGS: readonly (readonly [number, Family])[] = [
  [TypeFlags.Any | TypeFlags.Unknown, 'any'],
  [TypeFlags.StringLike, 'string'],
  [TypeFlags.NumberLike, 'number'],
  [TypeFlags.BigIntLike, 'bigint'],
  [TypeFlags.BooleanLike, 'boolean'],
];

function familyOf(checker: Checker, type: Type, depth = 0): readonly Family[] {
  // A type of JSON values contains itself.
  if (depth > MOST_DEPTH) return ['any'];
  if ((type.flags & (TypeFlags.Null | TypeFlags.Undefined)) !== 0) return [];
  const simple = FLAGS.find(([flags]) => (type.flags & flags) !== 0);
  if (simple !== undefined) return [simple[1]];
  if (type.isIntersectionType()) {
    // A branded text.
    const parts = type.getTypes().flatMap((part) => familyOf(checker, part, depth + 1));
    return parts.includes('string') ? ['string'] : ['object'];
  }
  if (checker.isArrayType(type) && type.isTypeReference()) {
    const [item] = checker.getTypeArguments(type);
    if (item === undefined) return ['array:any'];
    const members = membersOf(item);
    const nullable = members.some((member) => (member.flags & TypeFlags.Null) !== 0);
    const families = members.flatMap((member) => familyOf(checker, member, depth + 1));
    return [...new Set(families)].map((family) => `array:${family}`).concat(nullable ? ['array:null'] : []);
  }
  if (checker.isTupleType(type)) return ['array:any'];
  const name = type.getSymbol()?.name;
  if (name === 'Date') return ['Date'];
  if (name === 'Buffer' || name === 'Uint8Array') return ['Buffer'];
  return ['object'];
}
