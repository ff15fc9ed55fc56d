/** Names of values through properties of objects and destructured parameters. */
import {
  isIdentifier,
  isMethodDeclaration,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isStringLiteral,
  type Identifier,
  type Node,
} from 'typescript/unstable/ast';
import { isList, isValueObject, type Argument, type Passed, type Scope, type Value } from './values.ts';

/** Returns the name of a property with what it is given; undefined for a computed name. */
export function namedProperty(property: Node, scope: Scope): readonly [string, Argument] | undefined {
  if (isShorthandPropertyAssignment(property)) {
    return [(property.name as Identifier).text, { node: property, scope }];
  }
  if (isMethodDeclaration(property) && isIdentifier(property.name))
    return [property.name.text, { node: property, scope }];
  if (!isPropertyAssignment(property)) return undefined;
  const { name } = property;
  if (!isIdentifier(name) && !isStringLiteral(name)) return undefined;
  return [name.text, { node: property.initializer, scope }];
}

/**
 * Binds the names of a destructuring pattern to the parts of `value`.
 * `idOf`: the id of the symbol of a name; undefined where the compiler has none.
 */
export function bindElements(
  pattern: Node,
  value: Value,
  idOf: (name: Identifier) => number | undefined,
  scope: Map<number, Passed>,
): void {
  const { elements } = pattern as Node & {
    elements: readonly (Node & { name?: Node; propertyName?: Node })[];
  };
  for (const [index, element] of elements.entries()) {
    if (element.name === undefined || !isIdentifier(element.name)) continue;
    const id = idOf(element.name);
    if (id === undefined) continue;
    const field = partOf(value, index, ((element.propertyName ?? element.name) as Identifier).text);
    if (field !== undefined) scope.set(id, field);
  }
}

function partOf(value: Value, index: number, key: string): Passed | undefined {
  if (isList(value)) return { value: value[index] };
  return isValueObject(value) ? value.fields.get(key) : undefined;
}
