/** What an expression of the source can be, as far as the source determines it. */
import {
  isArrowFunction,
  isFunctionDeclaration,
  isFunctionExpression,
  isMethodDeclaration,
  isReturnStatement,
  type CallExpression,
  type Node,
  type ParameterDeclaration,
} from 'typescript/unstable/ast';
import type { Type } from 'typescript/unstable/sync';

/** Reports which part of an expression the source does not determine, and why. */
export class NotStatic extends Error {}

/** Thrown when the callers of a function pass different values: the text is evaluated anew for each of them. */
export class Choose extends Error {
  readonly choices: readonly Choice[];

  constructor(choices: readonly Choice[]) {
    super('a choice');
    this.choices = choices;
  }
}

/** The call that is assumed to run a function, by the place of the function; the item that a loop is at, by its place. */
export type Choice = ReadonlyMap<string, CallExpression | number>;

/** The function that binds a value: each call is a placeholder of its own. */
export interface BindFunction {
  readonly binds: true;
}

/** A function of the source, with the values of the parameters around it. */
export interface SourceFunction {
  readonly source: FunctionNode;
  readonly scope: Scope;
}

export type FunctionNode = Node & {
  readonly parameters: readonly ParameterDeclaration[];
  readonly body?: Node;
};

export type Value =
  | string
  | number
  | boolean
  | undefined
  | null
  | readonly Value[]
  | ValueObject
  | SourceFunction
  | BindFunction
  | NotStatic;
/** Properties are evaluated where they are used, if they are. */
export interface ValueObject {
  readonly fields: ReadonlyMap<string, Passed>;
}

/** An argument is evaluated where it is used, if it is. */
export interface Argument {
  readonly node: Node;
  readonly scope: Scope;
}

export type Passed = Argument | { readonly value: Value };

/** Values of parameters, by the id of their symbol. */
export type Scope = ReadonlyMap<number, Passed>;

export const NO_SCOPE: Scope = new Map();

export const isFunctionNode = (node: Node): boolean =>
  isArrowFunction(node) || isFunctionDeclaration(node) || isFunctionExpression(node) || isMethodDeclaration(node);

export const isSourceFunction = (value: Value): value is SourceFunction =>
  typeof value === 'object' && value !== null && 'source' in value;
export const isValueObject = (value: Value): value is ValueObject =>
  typeof value === 'object' && value !== null && 'fields' in value;
export const isBind = (value: Value): value is BindFunction =>
  typeof value === 'object' && value !== null && 'binds' in value;
export const BIND: BindFunction = { binds: true };
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** Identifies a node of the program. */
export function locationOf(node: Node): string {
  return `${node.getSourceFile().path}:${node.pos}`;
}

/** Makes values comparable. */
export function describeValue(_: string, value: unknown): unknown {
  if (value instanceof Map) return [...(value as Map<string, unknown>)];
  if (typeof value === 'object' && value !== null && 'source' in value) return locationOf(value.source as Node);
  if (typeof value === 'object' && value !== null && 'node' in value) return locationOf(value.node as Node);
  return value;
}

export function truthy(value: Value): boolean {
  return Boolean(value);
}

export function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}

/** Returns the expressions of the `return` statements of a block, not those of functions within it. */
export function returned(block: Node): readonly Node[] {
  const found: Node[] = [];
  const visit = (node: Node): undefined => {
    if (isFunctionNode(node)) return;
    if (isReturnStatement(node) && node.expression !== undefined) found.push(node.expression);
    node.forEachChild(visit);
  };
  block.forEachChild(visit);
  return found;
}

/** Returns the values of a union of literal types. */
export function literalsOf(type: Type | undefined): readonly Value[] | undefined {
  if (type === undefined) return undefined;
  const members: readonly Type[] = type.isUnionType() ? type.getTypes() : [type];
  const values = members.map((member) =>
    member.isStringLiteralType() || member.isNumberLiteralType() ? member.value : undefined,
  );
  return values.length > 0 && values.every((value) => value !== undefined) ? values : undefined;
}
