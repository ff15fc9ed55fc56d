import type { KindSpec } from '@dais/api';

/** `alert channel` for AlertChannel. */
export function singular(kind: KindSpec): string {
  return kind.kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}

/** `alert channels`, `policies`. */
export function plural(kind: KindSpec): string {
  const one = singular(kind);
  return one.endsWith('y') ? `${one.slice(0, -1)}ies` : `${one}s`;
}

/** `Alert channels`: at the start of a line. */
export function heading(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
