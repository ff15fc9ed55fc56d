/** Returns the names in a user's SQL that can be tables. Pure. */

/**
 * Returns names outside of strings and comments: words also in lower case, because SQL ignores their case, and quoted names
 * unchanged. The result is a superset of the tables, which the engine determines later.
 */
export function namesInSql(sql: string): readonly string[] {
  const names = new Set<string>();
  const token =
    /'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\/|\$\$[\s\S]*?\$\$|"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}_$]*)/gu;
  for (const [, quoted, bare] of sql.matchAll(token)) {
    if (quoted !== undefined) names.add(quoted.replaceAll('""', '"'));
    if (bare !== undefined) names.add(bare);
  }
  return [...names];
}
