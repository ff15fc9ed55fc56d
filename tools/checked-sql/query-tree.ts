/** Reads the text form of PostgreSQL's query trees (`pg_node_tree`), as `pg_proc.prosqlbody` returns it. */

export type TreeValue = string | TreeNode | readonly TreeValue[];

export interface TreeNode {
  /** `QUERY`, `VAR`, `FUNCEXPR`, … */
  readonly type: string;
  readonly fields: ReadonlyMap<string, TreeValue>;
}

export const isTreeNode = (value: TreeValue | undefined): value is TreeNode =>
  typeof value === 'object' && !Array.isArray(value);
export const isTreeList = (value: TreeValue | undefined): value is readonly TreeValue[] => Array.isArray(value);

export function field(node: TreeNode, name: string): TreeValue | undefined {
  return node.fields.get(name);
}

export function nodeField(node: TreeNode, name: string): TreeNode | undefined {
  const value = node.fields.get(name);
  return isTreeNode(value) ? value : undefined;
}

/** Returns the nodes of a list; none when it is empty (`<>`). */
export function nodesField(node: TreeNode, name: string): readonly TreeNode[] {
  const value = node.fields.get(name);
  return isTreeList(value) ? value.filter(isTreeNode) : [];
}

export function numberField(node: TreeNode, name: string): number {
  return Number(node.fields.get(name));
}

/** The members of a bit set or of a list of numbers: `(b 2 3)`, `(i 1 2)`, `(o 23 25)`. */
export function numbersField(node: TreeNode, name: string): readonly number[] {
  const value = node.fields.get(name);
  return isTreeList(value) ? value.slice(1).map(Number) : [];
}

const TOKEN = /\s*([(){}]|\[[^\]]*\]|"(?:[^"\\]|\\.)*"|(?:[^\s(){}\\]|\\.)+)/gsy;

export function parseTree(text: string): TreeValue {
  const tokens = [...text.matchAll(TOKEN)].map((match) => match[1]!);
  let at = 0;
  const read = (): TreeValue => {
    const token = tokens[at];
    if (token === undefined) throw new Error('the query tree ends too early');
    at += 1;
    if (token === '(') {
      const items: TreeValue[] = [];
      while (tokens[at] !== ')') items.push(read());
      at += 1;
      return items;
    }
    if (token !== '{') return token;
    const type = tokens[at]!;
    at += 1;
    const fields = new Map<string, TreeValue>();
    while (tokens[at] !== '}') {
      const name = tokens[at]!.slice(1);
      at += 1;
      const values: TreeValue[] = [];
      // A field may have several tokens: the bytes of a constant are a length and a list.
      while (tokens[at] !== '}' && !(tokens[at]?.startsWith(':') ?? true)) values.push(read());
      fields.set(name, values.length === 1 ? values[0]! : values);
    }
    at += 1;
    return { type, fields };
  };
  return read();
}
