/**
 * Evaluates expressions of the source without running it, to learn which texts a statement can have.
 *
 * An expression has a list of alternatives: a condition that is not constant has both of its branches, a parameter the
 * arguments of each caller. An expression that depends on anything else throws `NotStatic`.
 */
import {
  isArrayLiteralExpression,
  isAsExpression,
  isBinaryExpression,
  isBindingElement,
  isBlock,
  isCallExpression,
  isConditionalExpression,
  isElementAccessExpression,
  isIdentifier,
  isNonNullExpression,
  isNoSubstitutionTemplateLiteral,
  isNumericLiteral,
  isObjectLiteralExpression,
  isParameterDeclaration,
  isParenthesizedExpression,
  isPrefixUnaryExpression,
  isPropertyAccessExpression,
  isSatisfiesExpression,
  isShorthandPropertyAssignment,
  isSpreadAssignment,
  isSpreadElement,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclaration,
  NodeFlags,
  SyntaxKind,
  type BindingElement,
  type CallExpression,
  type Expression,
  type Identifier,
  type Node,
  type ParameterDeclaration,
} from 'typescript/unstable/ast';
import type { Checker, Project, Symbol as CompilerSymbol } from 'typescript/unstable/sync';
import { cross, MOST_ALTERNATIVES, refuse, textOf } from './alternatives.ts';
import { BOUND, exampleOf, isBuilder, numberPlaceholders } from './builder.ts';
import { Callers } from './callers.ts';
import { callOfList, callOfObject, callOfText, METHODS, replacePattern } from './methods.ts';
import { applyOperator } from './operators.ts';
import { bindElements, namedProperty } from './patterns.ts';
import {
  BIND,
  Choose,
  describeValue,
  isBind,
  isFunctionNode,
  isList,
  isSourceFunction,
  isValueObject,
  literalsOf,
  NO_SCOPE,
  NotStatic,
  locationOf,
  returned,
  truthy,
  unique,
  type Choice,
  type FunctionNode,
  type Passed,
  type Scope,
  type SourceFunction,
  type Value,
  type ValueObject,
} from './values.ts';

const MOST_DEPTH = 40;

export interface Alternative {
  readonly text: string;
  readonly chosen: Choice;
}

export class StaticValues {
  readonly #project: Project;
  readonly #checker: Checker;
  readonly #running = new Set<string>();
  readonly #callers: Callers;
  #chosen: Choice = new Map();
  #depth = 0;

  constructor(project: Project) {
    this.#project = project;
    this.#checker = project.checker;
    this.#callers = new Callers(project);
  }

  /** Returns every text that `node` can have. Throws `NotStatic` when the source does not determine them. */
  texts(node: Expression): readonly string[] {
    return unique(this.alternatives(node).map(({ text }) => text));
  }

  /** Returns the texts that `node` can have, each with the calls that lead to it. */
  alternatives(node: Expression): readonly Alternative[] {
    const found = this.#choose(node, new Map());
    if (found.length > MOST_ALTERNATIVES) throw refuse(node, 'has too many alternatives');
    return found;
  }

  #choose(node: Expression, chosen: Choice): readonly Alternative[] {
    this.#chosen = chosen;
    this.#running.clear();
    this.#depth = 0;
    try {
      return this.#evaluate(node, NO_SCOPE).map((text) => {
        if (typeof text !== 'string') throw refuse(node, 'is not a text');
        return { text, chosen };
      });
    } catch (error) {
      if (!(error instanceof Choose)) throw error;
      return error.choices.flatMap((choice) => this.#choose(node, new Map([...chosen, ...choice])));
    }
  }

  #evaluate(node: Node, scope: Scope): readonly Value[] {
    this.#depth += 1;
    try {
      if (this.#depth > MOST_DEPTH) throw refuse(node, 'is too deep');
      const values = this.#alternatives(node, scope);
      const unknown = values.find((value) => value instanceof NotStatic);
      if (unknown !== undefined) throw unknown;
      if (values.length > MOST_ALTERNATIVES) throw refuse(node, 'has too many alternatives');
      return values;
    } catch (error) {
      if (!(error instanceof NotStatic)) throw error;
      const literals = literalsOf(this.#checker.getTypeAtLocation(node));
      if (literals === undefined) throw error;
      return literals;
    } finally {
      this.#depth -= 1;
    }
  }

  #alternatives(node: Node, scope: Scope): readonly Value[] {
    if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) return [node.text];
    if (isNumericLiteral(node)) return [Number(node.text)];
    if (node.kind === SyntaxKind.TrueKeyword) return [true];
    if (node.kind === SyntaxKind.FalseKeyword) return [false];
    if (node.kind === SyntaxKind.NullKeyword) return [null];
    if (isTemplateExpression(node)) {
      let texts: readonly string[] = [node.head.text];
      for (const span of node.templateSpans) {
        const inserted = this.#evaluate(span.expression, scope).map((value) => textOf(span.expression, value));
        texts = cross(node, texts, inserted, (left, right) => left + right + span.literal.text);
      }
      return texts;
    }
    if (
      isParenthesizedExpression(node) ||
      isAsExpression(node) ||
      isSatisfiesExpression(node) ||
      isNonNullExpression(node)
    ) {
      return this.#evaluate(node.expression, scope);
    }
    if (isConditionalExpression(node)) return this.#conditional(node.condition, node.whenTrue, node.whenFalse, scope);
    if (isBinaryExpression(node)) return this.#binary(node, scope);
    if (isPrefixUnaryExpression(node) && node.operator === SyntaxKind.MinusToken) {
      return this.#evaluate(node.operand, scope).map((value) => -Number(value));
    }
    if (isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
      return this.#evaluate(node.operand, scope).map((value) => !truthy(value));
    }
    if (isShorthandPropertyAssignment(node)) {
      return this.#fieldOf({ fields: new Map([['', { node, scope }]]) }, '', node);
    }
    if (isIdentifier(node)) return this.#identifier(node, scope);
    if (isArrayLiteralExpression(node)) return this.#array(node.elements, scope);
    if (isObjectLiteralExpression(node)) return this.#object(node.properties, scope);
    if (isFunctionNode(node)) return [{ source: node as FunctionNode, scope }];
    if (isPropertyAccessExpression(node)) return this.#property(node.expression, node.name.text, node, scope);
    if (isElementAccessExpression(node)) return this.#element(node.expression, node.argumentExpression, node, scope);
    if (isCallExpression(node)) return this.#call(node, scope);
    throw refuse(node, 'is not constant');
  }

  #conditional(condition: Node, yes: Node, no: Node, scope: Scope): readonly Value[] {
    let known: readonly boolean[] = [true, false];
    try {
      known = unique(this.#evaluate(condition, scope).map(truthy));
    } catch (error) {
      if (!(error instanceof NotStatic)) throw error;
    }
    return known.flatMap((holds) => this.#evaluate(holds ? yes : no, scope));
  }

  #binary(node: Node & { left: Node; right: Node; operatorToken: Node }, scope: Scope): readonly Value[] {
    const operator = node.operatorToken.kind;
    if (operator === SyntaxKind.QuestionQuestionToken) {
      const left = this.#evaluate(node.left, scope);
      return left.some((value) => value === undefined || value === null)
        ? [...left.filter((value) => value !== undefined && value !== null), ...this.#evaluate(node.right, scope)]
        : left;
    }
    const left = this.#evaluate(node.left, scope);
    const right = this.#evaluate(node.right, scope);
    return cross(node, left, right, (a, b) => {
      const result = applyOperator(operator, a, b);
      if (result === undefined) throw refuse(node, 'is not constant');
      return result;
    });
  }

  #array(elements: readonly Node[], scope: Scope): readonly Value[] {
    let lists: readonly (readonly Value[])[] = [[]];
    for (const element of elements) {
      const spread = isSpreadElement(element);
      const values = this.#item(spread ? element.expression : element, scope, spread);
      lists = cross(element, lists, values, (list, value) => {
        if (!spread) return [...list, value];
        if (isList(value)) return [...list, ...value];
        throw refuse(element, 'is not a list');
      });
    }
    return lists;
  }

  /** An item that is not constant matters only where it is used; a list of them has no length. */
  #item(node: Node, scope: Scope, spread: boolean): readonly Value[] {
    try {
      return this.#evaluate(node, scope);
    } catch (error) {
      if (!(error instanceof NotStatic) || spread) throw error;
      return [error];
    }
  }

  #object(properties: readonly Node[], scope: Scope): readonly Value[] {
    let objects: readonly ValueObject[] = [{ fields: new Map() }];
    for (const property of properties) {
      if (isSpreadAssignment(property)) {
        let spread: readonly Value[];
        try {
          spread = this.#evaluate(property.expression, scope);
        } catch (error) {
          if (!(error instanceof NotStatic)) throw error;
          continue;
        }
        objects = cross(property, objects, spread, ({ fields }, value) => ({
          fields: new Map([...fields, ...(isValueObject(value) ? value.fields : [])]),
        }));
        continue;
      }
      const named = namedProperty(property, scope);
      if (named !== undefined) objects = objects.map(({ fields }) => ({ fields: new Map([...fields, named]) }));
    }
    return objects;
  }

  #fieldOf(value: Value, name: string, node: Node): readonly Value[] {
    const found = isValueObject(value) ? value.fields.get(name) : undefined;
    if (found === undefined) throw refuse(node, 'is not constant');
    if ('value' in found) return [found.value];
    if (isShorthandPropertyAssignment(found.node)) {
      const symbol = this.#checker.getShorthandAssignmentValueSymbol(found.node);
      if (symbol === undefined) throw refuse(node, 'is not constant');
      return this.#ofSymbol(symbol, found.node, found.scope);
    }
    return this.#evaluate(found.node, found.scope);
  }

  #property(target: Node, name: string, node: Node, scope: Scope): readonly Value[] {
    return this.#evaluate(target, scope).flatMap((value) => {
      if (name === 'length' && (typeof value === 'string' || isList(value))) return [value.length];
      return this.#fieldOf(value, name, node);
    });
  }

  #element(target: Node, index: Node, node: Node, scope: Scope): readonly Value[] {
    let keys: readonly Value[] | undefined;
    try {
      keys = this.#evaluate(index, scope);
    } catch (error) {
      // Any of them, then.
      if (!(error instanceof NotStatic)) throw error;
    }
    return this.#evaluate(target, scope).flatMap((value): readonly Value[] => {
      if (isList(value)) return keys === undefined ? value : keys.map((key) => value[Number(key)]);
      if (isValueObject(value)) {
        const names = keys === undefined ? [...value.fields.keys()] : keys.map(String);
        return names.flatMap((name) => this.#fieldOf(value, name, node));
      }
      throw refuse(node, 'is not constant');
    });
  }

  #identifier(node: Identifier, scope: Scope): readonly Value[] {
    if (node.text === 'undefined') return [undefined];
    const symbol = this.#checker.getSymbolAtLocation(node);
    if (symbol === undefined) throw refuse(node, 'is unknown');
    return this.#ofSymbol(symbol, node, scope);
  }

  #ofSymbol(found: CompilerSymbol, node: Node, scope: Scope): readonly Value[] {
    let symbol = found;
    let declaration = symbol.valueDeclaration?.resolve(this.#project);
    if (declaration === undefined) {
      symbol = this.#checker.getAliasedSymbol(symbol);
      declaration = symbol.valueDeclaration?.resolve(this.#project);
    }
    const argument = scope.get(symbol.id);
    if (argument !== undefined) {
      return 'value' in argument ? [argument.value] : this.#evaluate(argument.node, argument.scope);
    }
    if (declaration === undefined) throw refuse(node, 'has no declaration');
    if (isVariableDeclaration(declaration)) {
      if ((declaration.parent.flags & NodeFlags.Const) === 0) throw refuse(node, 'is a variable that changes');
      if (declaration.initializer === undefined) return this.#iterated(declaration.parent.parent, node, scope);
      return this.#evaluate(declaration.initializer, scope);
    }
    if (isFunctionNode(declaration)) return [{ source: declaration as FunctionNode, scope: NO_SCOPE }];
    if (isParameterDeclaration(declaration)) return this.#parameter(declaration, node);
    if (isBindingElement(declaration)) return this.#bound(declaration, node, scope);
    throw refuse(node, 'is not constant');
  }

  /** Returns the items that the variable of a `for … of` takes. */
  #iterated(statement: Node, node: Node, scope: Scope): readonly Value[] {
    if (statement.kind !== SyntaxKind.ForOfStatement) throw refuse(node, 'has no value');
    const lists = this.#evaluate((statement as Node & { expression: Node }).expression, scope);
    const [list] = lists;
    if (lists.length !== 1 || list === undefined || !isList(list)) throw refuse(node, 'is not of a constant list');
    const location = locationOf(statement);
    const chosen = this.#chosen.get(location);
    if (typeof chosen === 'number') return [list[chosen]];
    throw new Choose(list.map((_, index) => new Map([[location, index]])));
  }

  #bound(element: BindingElement, node: Node, scope: Scope): readonly Value[] {
    const pattern = element.parent;
    const holder = pattern.parent;
    if (element.initializer !== undefined) throw refuse(node, 'has a default');
    let of: readonly Value[];
    if (isVariableDeclaration(holder)) {
      of =
        holder.initializer === undefined
          ? this.#iterated(holder.parent.parent, node, scope)
          : this.#evaluate(holder.initializer, scope);
    } else if (isParameterDeclaration(holder)) of = this.#parameter(holder, node);
    else throw refuse(node, 'is not constant');
    if (pattern.kind === SyntaxKind.ArrayBindingPattern) {
      const index = (pattern as Node & { elements: readonly Node[] }).elements.indexOf(element);
      return of.map((value) => {
        if (isList(value)) return value[index];
        throw refuse(node, 'is not constant');
      });
    }
    const name = ((element.propertyName ?? element.name) as Identifier).text;
    return of.flatMap((value) => this.#fieldOf(value, name, node));
  }

  /** Returns what the callers of a function pass as `parameter`. */
  #parameter(parameter: ParameterDeclaration, node: Node): readonly Value[] {
    const owner = parameter.parent as FunctionNode;
    const index = owner.parameters.indexOf(parameter);
    const passed = (call: CallExpression): readonly Value[] => {
      const argument = call.arguments[index];
      const given = argument === undefined ? [undefined] : this.#evaluate(argument, NO_SCOPE);
      const { initializer } = parameter;
      if (initializer === undefined || !given.includes(undefined)) return given;
      return unique([...given.filter((value) => value !== undefined), ...this.#evaluate(initializer, NO_SCOPE)]);
    };
    const location = locationOf(owner);
    const chosen = this.#chosen.get(location);
    if (typeof chosen === 'object') return passed(chosen);
    const calls = this.#callers.of(owner);
    if (calls === undefined || calls.length === 0) {
      throw refuse(node, 'is a parameter of a function whose calls are not all known');
    }
    if (this.#running.has(location)) throw refuse(node, 'is recursive');
    this.#running.add(location);
    try {
      const all = calls.map(passed);
      const first = JSON.stringify(all[0], describeValue);
      if (all.every((values) => JSON.stringify(values, describeValue) === first)) return all[0]!;
    } catch (error) {
      // What only some callers have to choose is chosen after the caller.
      if (!(error instanceof Choose) || calls.length === 1) throw error;
    } finally {
      this.#running.delete(location);
    }
    throw new Choose(calls.map((call) => new Map([[location, call]])));
  }

  #call(node: CallExpression, scope: Scope): readonly Value[] {
    const callee = node.expression;
    if (isPropertyAccessExpression(callee)) {
      const method = callee.name.text;
      if (isIdentifier(callee.expression) && callee.expression.text === 'Object') {
        return this.#evaluate(node.arguments[0]!, scope).map((value) => callOfObject(node, method, value));
      }
      if (METHODS.has(method)) {
        return this.#evaluate(callee.expression, scope).flatMap((value) => this.#method(node, method, value, scope));
      }
    }
    if (isIdentifier(callee) && callee.text === 'String') return this.#evaluate(node.arguments[0]!, scope).map(String);
    return this.#evaluate(callee, scope).flatMap((value) => {
      if (isBind(value)) return [BOUND];
      if (!isSourceFunction(value)) throw refuse(node, 'calls what is not a function of the source');
      return this.#apply(
        value,
        node.arguments.map((argument) => ({ node: argument, scope })),
        node,
      );
    });
  }

  #apply({ source, scope }: SourceFunction, passed: readonly Passed[], node: Node): readonly Value[] {
    const example = exampleOf(source);
    if (example !== undefined) return [example];
    if (isBuilder(source)) return this.#composed(passed[0], node);
    const inner = new Map(scope);
    for (const [index, parameter] of source.parameters.entries()) {
      const given = passed[index];
      if (given !== undefined) this.#bind(parameter, given, inner);
      else if (parameter.initializer !== undefined)
        this.#bind(parameter, { node: parameter.initializer, scope: inner }, inner);
      else this.#bind(parameter, { value: undefined }, inner);
    }
    const { body } = source;
    if (body === undefined) throw refuse(node, 'calls a function without a body');
    if (!isBlock(body)) return this.#evaluate(body, inner);
    const results = returned(body);
    if (results.length === 0) throw refuse(node, 'calls a function that returns nothing');
    return unique(results.flatMap((result) => this.#evaluate(result, inner)));
  }

  /** Evaluates the text that `composeStatement` builds. */
  #composed(write: Passed | undefined, node: Node): readonly Value[] {
    if (write === undefined || 'value' in write) throw refuse(node, 'composes nothing');
    return this.#evaluate(write.node, write.scope)
      .flatMap((value) => {
        if (!isSourceFunction(value)) throw refuse(node, 'is composed by what is not a function of the source');
        return this.#apply(value, [{ value: BIND }], node);
      })
      .map((text) => ({ fields: new Map([['text', { value: numberPlaceholders(textOf(node, text)) }]]) }));
  }

  #bind(parameter: ParameterDeclaration, passed: Passed, scope: Map<number, Passed>): void {
    const { name } = parameter;
    if (isIdentifier(name)) {
      const symbol = this.#checker.getSymbolAtLocation(name);
      if (symbol !== undefined) scope.set(symbol.id, passed);
      return;
    }
    let value: Value;
    try {
      value = 'value' in passed ? passed.value : this.#evaluate(passed.node, passed.scope)[0];
    } catch (error) {
      // Only what is not constant in it is missing.
      if (!(error instanceof NotStatic)) throw error;
      return;
    }
    bindElements(name, value, (element) => this.#checker.getSymbolAtLocation(element)?.id, scope);
  }

  #method(node: CallExpression, method: string, value: Value, scope: Scope): readonly Value[] {
    const [first] = node.arguments;
    const given = node.arguments.map((argument) =>
      argument.kind === SyntaxKind.RegularExpressionLiteral ? argument.getText() : this.#evaluate(argument, scope)[0],
    );
    const isPattern = first?.kind === SyntaxKind.RegularExpressionLiteral;
    if (typeof value === 'string') {
      const result = isPattern ? replacePattern(value, given) : callOfText(value, method, given);
      if (result !== undefined) return [result];
    }
    if (isList(value)) {
      if (method === 'join')
        return [value.map((item) => textOf(node, item)).join(typeof given[0] === 'string' ? given[0] : ',')];
      const [callback] = given;
      if (callback !== undefined && isSourceFunction(callback)) return this.#each(node, method, value, callback);
      const result = callOfList(value, method, given);
      if (result !== undefined) return [result];
    }
    throw refuse(node, 'is not constant');
  }

  /** Evaluates `map`, `flatMap` and `filter`. */
  #each(node: CallExpression, method: string, items: readonly Value[], callback: SourceFunction): readonly Value[] {
    let lists: readonly (readonly Value[])[] = [[]];
    for (const [index, item] of items.entries()) {
      const results = this.#apply(callback, [{ value: item }, { value: index }], node);
      lists = cross(node, lists, results, (list, result) => {
        if (method === 'filter') return truthy(result) ? [...list, item] : list;
        return method === 'flatMap' && isList(result) ? [...list, ...result] : [...list, result];
      });
    }
    return lists;
  }
}
