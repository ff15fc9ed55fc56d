/** Finds every statement that the server sends: its possible texts and the type that its rows are declared to have. */
import { basename } from 'node:path';
import {
  isArrayLiteralExpression,
  isCallExpression,
  isFunctionDeclaration,
  isObjectLiteralExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isSpreadElement,
  isVariableDeclaration,
  type CallExpression,
  type Expression,
  type Node,
  type SourceFile,
} from 'typescript/unstable/ast';
import { API, type Project, type Type } from 'typescript/unstable/sync';
import { rowTypeOf, type RowType } from './row-type.ts';
import { StaticValues } from './static-values.ts';
import { NotStatic, locationOf } from './values.ts';

export interface Statement {
  /** `packages/server/src/kernel/store.ts:63`. */
  readonly at: string;
  readonly method: string;
  /** Every text it can have; undefined when the source does not determine them. */
  readonly texts: readonly string[] | undefined;
  /** Why the source does not determine them. */
  readonly reason?: string;
  /** Absent when its rows are not read. */
  readonly row: RowType | undefined;
  /** How many values are passed; undefined when the source does not determine it. */
  readonly values: number | undefined;
  /** The names that it is prepared under. */
  readonly names: readonly string[];
}

const METHODS = new Set(['query', 'defer', 'statement']);
const CONTRACT = '/packages/server/src/engines/database/contract.ts';
const TESTS = /\.(?:test|testing)\.ts$|\/testing\/|\/engines\/database\/(?:suite[^/]*|testing)\.ts$/;

/** Reads the sources of packages/server below `root`. */
export function collectStatements(root: string): readonly Statement[] {
  const api = new API({ cwd: root });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${root}/packages/server/tsconfig.json`] });
    const [project] = snapshot.getProjects();
    if (project === undefined) throw new Error('packages/server/tsconfig.json is not a project');
    return statementsOf(project, root);
  } finally {
    api.close();
  }
}

function statementsOf(project: Project, root: string): readonly Statement[] {
  const values = new StaticValues(project);
  const sources = project.program
    .getSourceFileNames()
    .filter((name) => name.startsWith(`${root}/packages/server/src/`) && !TESTS.test(name));
  return sources.flatMap((name) => {
    const file = project.program.getSourceFile(name);
    if (file === undefined || !/\.(?:query|defer|statement)\b|: Prelude = /.test(file.text)) return [];
    const calls = callsIn(file)
      .filter((call) => isOfDatabase(project, call))
      .flatMap((call) => {
        const { line } = file.getLineAndCharacterOfPosition(call.getStart(file));
        const method = methodOf(call);
        const at = `${name.slice(root.length + 1)}:${line + 1}`;
        const [text, bound, prepared] = call.arguments.slice(method === 'statement' ? 1 : 0);
        const found = {
          at,
          method,
          row: method === 'defer' ? undefined : rowOf(project, call),
          values: lengthOf(bound),
          names: prepared === undefined ? [] : (textsOf(values, prepared).texts ?? []),
        };
        const statement = { ...found, ...(text === undefined ? { texts: [] } : textsOf(values, text)) };
        return [statement, ...(text === undefined ? [] : ofCallers(project, values, statement, { call, text }))];
      });
    return [...preludesIn(file, values, name.slice(root.length + 1)), ...calls];
  });
}

/**
 * Where rows have the type that the callers of a function pass (`findRows<ExperimentRow>`), returns a statement for each
 * of these calls.
 */
function ofCallers(
  project: Project,
  values: StaticValues,
  statement: Statement,
  { call, text }: { readonly call: CallExpression; readonly text: Expression },
): readonly Statement[] {
  const { row, texts } = statement;
  if (row?.generic !== true || texts === undefined) return [];
  let owner: Node | undefined = call;
  while (owner !== undefined && !(isFunctionDeclaration(owner) && owner.typeParameters !== undefined))
    owner = owner.parent;
  if (owner === undefined) return [];
  const location = locationOf(owner);
  return values.alternatives(text).flatMap((alternative) => {
    const caller = alternative.chosen.get(location);
    const given = typeof caller === 'object' ? caller.typeArguments?.[0] : undefined;
    const type = given === undefined ? undefined : project.checker.getTypeFromTypeNode(given);
    if (given === undefined || type === undefined) return [];
    const file = given.getSourceFile();
    const line = file.getLineAndCharacterOfPosition(given.getStart(file)).line + 1;
    const at = `${statement.at}, called at ${basename(file.fileName)}:${line}`;
    return [
      { ...statement, at, texts: [alternative.text], row: { ...rowTypeOf(project.checker, type), open: row.open } },
    ];
  });
}

/** Finds `const name: Prelude = { text: '…' }`: statements that travel with the beginning of a transaction. */
function preludesIn(file: SourceFile, values: StaticValues, path: string): readonly Statement[] {
  const found: Statement[] = [];
  const visit = (node: Node): undefined => {
    const { initializer, type } = isVariableDeclaration(node) ? node : {};
    if (type?.getText(file) === 'Prelude' && initializer !== undefined && isObjectLiteralExpression(initializer)) {
      const text = initializer.properties.find((one) => isPropertyAssignment(one) && one.name.getText(file) === 'text');
      if (text === undefined || !isPropertyAssignment(text)) throw new Error(`${path} has a prelude without a text`);
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      const at = `${path}:${line + 1}`;
      found.push({
        at,
        method: 'prelude',
        texts: values.texts(text.initializer),
        row: undefined,
        values: 0,
        names: [],
      });
    }
    node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return found;
}

function textsOf(values: StaticValues, node: Expression): Pick<Statement, 'texts' | 'reason'> {
  try {
    return { texts: values.texts(node) };
  } catch (error) {
    if (!(error instanceof NotStatic)) throw error;
    return { texts: undefined, reason: error.message };
  }
}

function lengthOf(bound: Expression | undefined): number | undefined {
  if (bound === undefined) return 0;
  if (!isArrayLiteralExpression(bound) || bound.elements.some(isSpreadElement)) return undefined;
  return bound.elements.length;
}

function callsIn(file: Node): readonly CallExpression[] {
  const found: CallExpression[] = [];
  const visit = (node: Node): undefined => {
    if (isCallExpression(node) && METHODS.has(methodOf(node))) found.push(node);
    node.forEachChild(visit);
  };
  file.forEachChild(visit);
  return found;
}

function methodOf({ expression }: CallExpression): string {
  return isPropertyAccessExpression(expression) ? expression.name.text : '';
}

/** Whether a call is of `Sql` or `Database`, and not of DuckDB or of a client of the driver. */
function isOfDatabase(project: Project, call: CallExpression): boolean {
  if (!isPropertyAccessExpression(call.expression)) return false;
  const symbol = project.checker.getSymbolAtLocation(call.expression.name);
  return symbol?.declarations.some(({ path }) => path.endsWith(CONTRACT)) ?? false;
}

/** Reads `Row` of the `Promise<Row[]>` that a call returns. */
function rowOf(project: Project, call: CallExpression): RowType | undefined {
  const promise = project.checker.getTypeAtLocation(call);
  const rows = argumentOf(project, promise);
  const row = argumentOf(project, rows);
  if (row === undefined) return undefined;
  return rowTypeOf(project.checker, row);
}

function argumentOf(project: Project, type: Type | undefined): Type | undefined {
  if (type?.isTypeReference() !== true) return undefined;
  return project.checker.getTypeArguments(type)[0];
}
