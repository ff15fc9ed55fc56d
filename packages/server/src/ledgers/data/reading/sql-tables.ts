/** Which datasets a person's SQL may mean: every name in it that could be a table. Pure. */

/**
 * Names in the text, outside of texts and comments: bare words in lower case too, since SQL reads them without case, and
 * quoted ones as they stand. More than the tables: the engine says later which of them are.
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
