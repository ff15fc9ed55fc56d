/** Values for programs: JSON with two blanks, YAML in block style. */

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

export async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  // Lines are not folded: what was one line stays one, so that it can be searched.
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Many documents in one text, parted by `---`. */
export async function yamlDocuments(values: readonly unknown[]): Promise<string> {
  const texts = [];
  for (const value of values) texts.push(await yamlText(value));
  return texts.join('---\n');
}
