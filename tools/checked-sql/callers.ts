import {
  isArrowFunction,
  isCallExpression,
  isFunctionDeclaration,
  isFunctionExpression,
  isMethodDeclaration,
  isPropertyAccessExpression,
  isVariableDeclaration,
  SyntaxKind,
  type CallExpression,
  type Node,
} from 'typescript/unstable/ast';
import type { Project } from 'typescript/unstable/sync';
import { locationOf, type FunctionNode } from './values.ts';

const TESTS = /\.(?:test|testing)\.ts$|\/testing\//;

/** Finds the calls of functions of the source, but for those of tests. */
export class Callers {
  readonly #project: Project;
  readonly #found = new Map<string, readonly CallExpression[] | undefined>();

  constructor(project: Project) {
    this.#project = project;
  }

  /** Returns undefined when not all calls can be known: the function has no name, or is passed on as a value. */
  of(owner: FunctionNode): readonly CallExpression[] | undefined {
    const key = locationOf(owner);
    if (!this.#found.has(key)) this.#found.set(key, this.#find(owner));
    return this.#found.get(key);
  }

  #find(owner: FunctionNode): readonly CallExpression[] | undefined {
    const declared = isArrowFunction(owner) || isFunctionExpression(owner) ? owner.parent : owner;
    const named = isVariableDeclaration(declared) || isFunctionDeclaration(declared) || isMethodDeclaration(declared);
    const name = named ? declared.name : undefined;
    if (name === undefined) return undefined;
    const references = this.#project.checker
      .getReferencedSymbolsForNode(name, name.getStart())
      .flatMap((entry) => entry.references)
      .filter(({ path }) => !TESTS.test(path))
      .map((handle) => handle.resolve(this.#project))
      .filter((reference) => reference !== undefined);
    const calls = references.map(callOf);
    const isPassedOn = references.some((reference, index) => calls[index] === undefined && !isNaming(reference, name));
    return isPassedOn ? undefined : calls.filter((call) => call !== undefined);
  }
}

/** Returns the call whose callee is `reference` or a property of that name. */
function callOf(reference: Node): CallExpression | undefined {
  const { parent } = reference;
  const callee = isPropertyAccessExpression(parent) && parent.name === reference ? parent : reference;
  return isCallExpression(callee.parent) && callee.parent.expression === callee ? callee.parent : undefined;
}

/** Whether a reference only declares, imports or exports the name. */
function isNaming(reference: Node, name: Node): boolean {
  const kinds: readonly SyntaxKind[] = [SyntaxKind.ImportSpecifier, SyntaxKind.ExportSpecifier];
  return locationOf(reference) === locationOf(name) || kinds.includes(reference.parent.kind);
}
