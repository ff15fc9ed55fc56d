/** Returns the field names of a struct, from the text of its type. Pure. */

/** Empty if the type is not a struct. */
export function structFields(type: string): readonly string[] {
  if (!type.startsWith('struct<')) return [];
  const names: string[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[\w]+|[<>(),:]/gy;
  let depth = 0;
  let before = '';
  token.lastIndex = 'struct'.length;
  for (let found = token.exec(type)?.[0]; found !== undefined; found = token.exec(type)?.[0]) {
    if (found === '<' || found === '(') depth += 1;
    else if (found === '>' || found === ')') depth -= 1;
    else if (found === ':' && depth === 1) names.push(before.startsWith('"') ? (JSON.parse(before) as string) : before);
    before = found;
  }
  return names;
}
