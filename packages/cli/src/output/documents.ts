/** Formats for programs: JSON with two spaces, YAML in block style. */

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

export async function yamlText(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  // Lines are not folded: single lines stay searchable.
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Many documents in one text, separated by `---`. */
export async function yamlDocuments(values: readonly unknown[]): Promise<string> {
  const texts = [];
  for (const value of values) texts.push(await yamlText(value));
  return texts.join('---\n');
}
