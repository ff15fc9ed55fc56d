/** Reads YAML that a stranger wrote without holding up everything else. */
import { Lexer, parse } from 'yaml';

/** Parsing takes about 10 µs for each token. */
const MOST_TOKENS = 20_000;

/** @throws Error for a text that is no YAML or has so many tokens that parsing it takes long. */
export function parseLimitedYaml(text: string, { aliases = 0 }: { readonly aliases?: number } = {}): unknown {
  let count = 0;
  // Lazily: of a longer text only the beginning is read.
  for (const _ of new Lexer().lex(text)) {
    count += 1;
    if (count > MOST_TOKENS) throw new Error(`it has more than ${MOST_TOKENS} YAML tokens`);
  }
  return parse(text, { maxAliasCount: aliases });
}
