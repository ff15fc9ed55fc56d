/**
 * Determines from PostgreSQL's own query tree which result columns may be null. Joins, conditions of the WHERE clause and
 * common expressions are followed; of other expressions nothing is known.
 */
import { field, isTreeNode, nodeField, nodesField, numberField, numbersField, type TreeNode } from './query-tree.ts';

/** `unknown`: an expression that is not analyzed. */
export type Nullability = 'never' | 'maybe' | 'unknown';

export interface Catalog {
  /** `table.column` by object id and number: columns declared NOT NULL. */
  readonly notNull: ReadonlySet<string>;
  /** Object ids of functions whose result is null exactly when an argument is. */
  readonly strictTotal: ReadonlySet<number>;
  /** Object ids of functions that return null whenever an argument is null. */
  readonly strict: ReadonlySet<number>;
  /** Object ids of functions that never return null. */
  readonly neverNull: ReadonlySet<number>;
}

/** A query and those around it, for references to outer levels. */
interface Level {
  readonly query: TreeNode;
  readonly outer: Level | undefined;
  /** `varno.attno` of columns that the WHERE clause and the joins prove not to be null. */
  readonly proven: ReadonlySet<string>;
  /** Numbers of relations of which some column is proven. */
  readonly provenRelations: ReadonlySet<number>;
  /** True within the values that a statement assigns. */
  readonly assigning?: boolean;
}

/** Returns the nullability of each result column, in order. */
export function resultNullability(query: TreeNode, catalog: Catalog): readonly Nullability[] {
  return outputs(enter(query, undefined, catalog), catalog);
}

function outputs(level: Level, catalog: Catalog): readonly Nullability[] {
  const { query } = level;
  const targets = nodesField(query, numberField(query, 'commandType') === SELECT ? 'targetList' : 'returningList');
  const set = nodeField(query, 'setOperations');
  const visible = targets.filter((target) => field(target, 'resjunk') !== 'true');
  if (set !== undefined) {
    return visible.map((_, index) => worst(setLeaves(set).map((leaf) => ofSubquery(level, leaf, index, catalog))));
  }
  return visible.map((target) => {
    const expression = nodeField(target, 'expr');
    return expression === undefined ? 'unknown' : ofExpression(expression, level, catalog);
  });
}

/**
 * Returns the nullability of a column of the table that a statement writes, as RETURNING returns it: the assigned
 * values count, not the previous ones. Undefined for a column that the statement leaves as it is.
 */
function ofWritten(column: number, level: Level, catalog: Catalog): Nullability | undefined {
  const { query } = level;
  const command = numberField(query, 'commandType');
  const assigned = (node: TreeNode, list: string): Nullability | undefined => {
    const target = nodesField(node, list).find((one) => numberField(one, 'resno') === column);
    const expression = target === undefined ? undefined : nodeField(target, 'expr');
    return expression === undefined ? undefined : ofExpression(expression, level, catalog);
  };
  const written = assigned(query, 'targetList');
  if (command === UPDATE) return written === undefined ? undefined : decided(written);
  if (command !== INSERT) return undefined;
  const conflict = nodeField(query, 'onConflict');
  if (conflict === undefined || numberField(conflict, 'action') !== 2) return decided(written ?? 'maybe');
  return worst([decided(written ?? 'maybe'), decided(assigned(conflict, 'onConflictSet') ?? 'maybe')]);
}

/** A value of a parameter may be null. */
const decided = (nullability: Nullability): Nullability => (nullability === 'never' ? 'never' : 'maybe');

const SELECT = 1;
const UPDATE = 2;
const INSERT = 3;
/** Kinds of range table entries. */
const RELATION = 0;
const SUBQUERY = 1;
const JOIN = 2;
const VALUES = 5;
const CTE = 6;

function setLeaves(node: TreeNode): readonly number[] {
  if (node.type === 'RANGETBLREF') return [numberField(node, 'rtindex')];
  return ['larg', 'rarg'].flatMap((name) => {
    const side = nodeField(node, name);
    return side === undefined ? [] : setLeaves(side);
  });
}

function ofSubquery(level: Level, index: number, column: number, catalog: Catalog): Nullability {
  const subquery = nodeField(nodesField(level.query, 'rtable')[index - 1]!, 'subquery');
  return subquery === undefined ? 'unknown' : (outputs(enter(subquery, level, catalog), catalog)[column] ?? 'unknown');
}

function enter(query: TreeNode, outer: Level | undefined, catalog: Catalog): Level {
  const proven = new Set<string>();
  const tree = nodeField(query, 'jointree');
  if (tree !== undefined) proveFrom(tree, proven, catalog);
  const provenRelations = new Set([...proven].map((key) => Number(key.split('.')[0])));
  return { query, outer, proven, provenRelations };
}

/** Adds the columns that every row of a FROM clause has. */
function proveFrom(node: TreeNode, proven: Set<string>, catalog: Catalog): void {
  const condition = nodeField(node, 'quals');
  if (node.type === 'FROMEXPR') {
    for (const item of nodesField(node, 'fromlist')) proveFrom(item, proven, catalog);
    if (condition !== undefined) prove(condition, proven, catalog);
  }
  if (node.type === 'JOINEXPR') {
    const kind = numberField(node, 'jointype');
    // 0: inner, 1: left, 3: right.
    const sides = [...(kind === 0 || kind === 1 ? ['larg'] : []), ...(kind === 0 || kind === 3 ? ['rarg'] : [])];
    for (const side of sides) {
      const item = nodeField(node, side);
      if (item !== undefined) proveFrom(item, proven, catalog);
    }
    if (kind === 0 && condition !== undefined) prove(condition, proven, catalog);
  }
}

/** Adds the columns that are not null where `condition` is true. */
function prove(condition: TreeNode, proven: Set<string>, catalog: Catalog): void {
  if (condition.type === 'BOOLEXPR') {
    const operator = field(condition, 'boolop');
    const parts = nodesField(condition, 'args');
    if (operator === 'and') for (const part of parts) prove(part, proven, catalog);
    if (operator === 'or') {
      const each = parts.map((part) => {
        const found = new Set<string>();
        prove(part, found, catalog);
        return found;
      });
      for (const key of each[0] ?? []) if (each.every((found) => found.has(key))) proven.add(key);
    }
    return;
  }
  if (condition.type === 'NULLTEST' && numberField(condition, 'nulltesttype') === 1) {
    const tested = nodeField(condition, 'arg');
    if (tested !== undefined) addStrict(tested, proven, catalog);
    return;
  }
  addStrict(condition, proven, catalog);
}

/** Adds the columns without which `expression` would be null. */
function addStrict(expression: TreeNode, proven: Set<string>, catalog: Catalog): void {
  if (expression.type === 'VAR' && numberField(expression, 'varlevelsup') === 0) {
    proven.add(keyOf(expression));
    return;
  }
  const inner = nodeField(expression, 'arg');
  if (CASTS.has(expression.type) && inner !== undefined) addStrict(inner, proven, catalog);
  const called = functionOf(expression);
  if (called !== undefined && catalog.strict.has(called)) {
    const args = nodesField(expression, 'args');
    // Of `x = any (list)` only x is proven: the elements of the list are what is compared.
    const relevant = expression.type === 'SCALARARRAYOPEXPR' ? args.slice(0, 1) : args;
    for (const part of relevant) addStrict(part, proven, catalog);
  }
}

const CASTS = new Set(['RELABELTYPE', 'COERCEVIAIO', 'ARRAYCOERCEEXPR', 'COLLATEEXPR', 'COERCETODOMAIN']);

const keyOf = (variable: TreeNode): string => `${numberField(variable, 'varno')}.${numberField(variable, 'varattno')}`;

function functionOf(expression: TreeNode): number | undefined {
  if (expression.type === 'FUNCEXPR') return numberField(expression, 'funcid');
  const operators = ['OPEXPR', 'SCALARARRAYOPEXPR'];
  return operators.includes(expression.type) ? numberField(expression, 'opfuncid') : undefined;
}

function worst(all: readonly Nullability[]): Nullability {
  if (all.includes('maybe')) return 'maybe';
  return all.includes('unknown') ? 'unknown' : 'never';
}

function best(all: readonly Nullability[]): Nullability {
  if (all.includes('never')) return 'never';
  return all.includes('unknown') ? 'unknown' : 'maybe';
}

function ofExpression(expression: TreeNode, level: Level, catalog: Catalog): Nullability {
  const parts = (name: string): readonly Nullability[] =>
    nodesField(expression, name).map((part) => ofExpression(part, level, catalog));
  switch (expression.type) {
    case 'VAR':
      return ofVariable(expression, level, catalog);
    case 'CONST':
      return field(expression, 'constisnull') === 'true' ? 'maybe' : 'never';
    case 'RELABELTYPE':
    case 'COERCEVIAIO':
    case 'ARRAYCOERCEEXPR':
    case 'COLLATEEXPR': {
      const inner = nodeField(expression, 'arg');
      return inner === undefined ? 'unknown' : ofExpression(inner, level, catalog);
    }
    case 'COALESCEEXPR':
      return best(parts('args'));
    case 'MINMAXEXPR':
      return best(parts('args'));
    case 'NULLTEST':
    case 'BOOLEANTEST':
    case 'DISTINCTEXPR':
    case 'ARRAYEXPR':
    case 'ROWEXPR':
    case 'SQLVALUEFUNCTION':
    case 'GROUPINGFUNC':
    case 'JSONISPREDICATE':
      return 'never';
    case 'NULLIFEXPR':
      return 'maybe';
    case 'BOOLEXPR':
      return worst(parts('args'));
    case 'SUBLINK':
      return ofSubLink(expression, level, catalog);
    case 'CASEEXPR':
      return ofCase(expression, level, catalog);
    case 'AGGREF':
      return catalog.neverNull.has(numberField(expression, 'aggfnoid'))
        ? 'never'
        : ofAggregate(expression, level, catalog);
    case 'WINDOWFUNC':
      return catalog.neverNull.has(numberField(expression, 'winfnoid')) ? 'never' : 'unknown';
    case 'FUNCEXPR':
    case 'OPEXPR':
    case 'SCALARARRAYOPEXPR': {
      const called = functionOf(expression)!;
      if (catalog.neverNull.has(called)) return 'never';
      if (!catalog.strictTotal.has(called)) return 'unknown';
      return worst(parts('args'));
    }
    default:
      return 'unknown';
  }
}

/** An aggregate other than count is null without rows. */
function ofAggregate(expression: TreeNode, level: Level, catalog: Catalog): Nullability {
  const grouped = nodesField(level.query, 'groupClause').length > 0;
  if (!grouped || nodeField(expression, 'aggfilter') !== undefined) return 'maybe';
  const values = nodesField(expression, 'args').map((target) => nodeField(target, 'expr'));
  if (values.some((value) => value === undefined)) return 'unknown';
  const all = worst(values.map((value) => ofExpression(value!, level, catalog)));
  return all === 'never' ? 'never' : 'unknown';
}

function ofCase(expression: TreeNode, level: Level, catalog: Catalog): Nullability {
  const otherwise = nodeField(expression, 'defresult');
  const results = nodesField(expression, 'args').map((when) => nodeField(when, 'result'));
  const all = [...results, otherwise].map((result) =>
    result === undefined ? ('maybe' as const) : ofExpression(result, level, catalog),
  );
  return worst(all);
}

function ofSubLink(expression: TreeNode, level: Level, catalog: Catalog): Nullability {
  const kind = numberField(expression, 'subLinkType');
  // 0: EXISTS, 6: ARRAY (select …).
  if (kind === 0 || kind === 6) return 'never';
  const subquery = nodeField(expression, 'subselect');
  if (kind !== 4 || subquery === undefined) return 'unknown';
  // A scalar subquery without rows is null; one that aggregates without groups has a row.
  const oneRow =
    field(subquery, 'hasAggs') === 'true' &&
    nodesField(subquery, 'groupClause').length === 0 &&
    nodeField(subquery, 'havingQual') === undefined;
  const fromNothing =
    (nodeField(subquery, 'jointree') === undefined ||
      nodesField(nodeField(subquery, 'jointree')!, 'fromlist').length === 0) &&
    nodeField(nodeField(subquery, 'jointree') ?? subquery, 'quals') === undefined;
  if (!oneRow && !fromNothing) return 'maybe';
  return outputs(enter(subquery, level, catalog), catalog)[0] ?? 'unknown';
}

function ofVariable(variable: TreeNode, level: Level, catalog: Catalog): Nullability {
  let at: Level | undefined = level;
  for (let up = numberField(variable, 'varlevelsup'); up > 0; up -= 1) at = at?.outer;
  if (at === undefined) return 'unknown';
  const number = numberField(variable, 'varno');
  // 0 is the whole row, negative numbers are system columns.
  if (numberField(variable, 'varattno') <= 0) return 'never';
  if (number === numberField(at.query, 'resultRelation')) {
    const entry = nodesField(at.query, 'rtable')[number - 1]!;
    if (catalog.notNull.has(`${numberField(entry, 'relid')}.${numberField(variable, 'varattno')}`)) return 'never';
    // In the assigned expressions themselves a column is what it was before.
    const written = at.assigning
      ? undefined
      : ofWritten(numberField(variable, 'varattno'), { ...at, assigning: true }, catalog);
    if (written !== undefined) return written;
  }
  if (at.proven.has(keyOf(variable))) return 'never';
  const nulling = numbersField(variable, 'varnullingrels');
  // Where the WHERE clause requires a column of the relation, the outer join has no rows without it.
  if (nulling.length > 0 && !at.provenRelations.has(number)) return 'maybe';
  const entry = nodesField(at.query, 'rtable')[number - 1];
  if (entry === undefined) return 'unknown';
  const column = numberField(variable, 'varattno');
  switch (numberField(entry, 'rtekind')) {
    case RELATION: {
      return catalog.notNull.has(`${numberField(entry, 'relid')}.${column}`) ? 'never' : 'maybe';
    }
    case SUBQUERY:
      return ofSubquery(at, number, column - 1, catalog);
    case CTE:
      return ofCommonTable(entry, at, column - 1, catalog);
    case JOIN: {
      const alias = nodesField(entry, 'joinaliasvars')[column - 1];
      return alias === undefined ? 'unknown' : ofExpression(alias, at, catalog);
    }
    case VALUES: {
      const value = field(entry, 'values_lists');
      if (!Array.isArray(value)) return 'unknown';
      const cells = value.map((row) => (Array.isArray(row) ? (row as unknown[])[column - 1] : undefined));
      return worst(
        cells.map((cell) => (isTreeNode(cell as TreeNode) ? ofExpression(cell as TreeNode, at, catalog) : 'unknown')),
      );
    }
    default:
      return 'unknown';
  }
}

function ofCommonTable(entry: TreeNode, level: Level, column: number, catalog: Catalog): Nullability {
  let at: Level | undefined = level;
  for (let up = numberField(entry, 'ctelevelsup'); up > 0; up -= 1) at = at?.outer;
  const name = field(entry, 'ctename');
  const table =
    at === undefined ? undefined : nodesField(at.query, 'cteList').find((one) => field(one, 'ctename') === name);
  if (at === undefined || table === undefined || field(table, 'cterecursive') === 'true') return 'unknown';
  const query = nodeField(table, 'ctequery');
  return query === undefined ? 'unknown' : (outputs(enter(query, at, catalog), catalog)[column] ?? 'unknown');
}
