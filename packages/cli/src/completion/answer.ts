import { DaisError } from '@dais/api';
import { candidatesFor } from '#completion/candidates.ts';
import type { Context } from '#context.ts';
import { exitCodes, type ExitCode } from '#exit-codes.ts';
import { printable } from '#output/width.ts';

/** The user waits for completion: slower names are omitted. */
const PATIENCE_MS = 1000;
/** Maximum number of candidates. */
const MOST_NAMES = 200;

/** Answers a completion request of a shell: one candidate per line, with a tab before its description; or `:files`. */
export async function answer(context: Context, words: readonly string[]): Promise<ExitCode> {
  const candidates = await candidatesFor(words, (kind) => namesFromServer(context, kind, words));
  if (candidates === 'files') context.terminal.out(':files\n');
  else {
    for (const { word, meaning } of candidates) {
      const sentence = printable(meaning.split(/[.;:] /)[0] ?? '').slice(0, 80);
      context.terminal.out(sentence === '' ? `${word}\n` : `${word}\t${sentence}\n`);
    }
  }
  return exitCodes.ok.code;
}

async function namesFromServer(context: Context, kind: string, words: readonly string[]): Promise<readonly string[]> {
  try {
    const client = await context.connect();
    const project = optionOf(words, ['-p', '--project']);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const own = project === undefined ? client : client.withProject(project);
    const { items } = await own.listPage(kind, { limit: MOST_NAMES }, { signal });
    // Names with spaces or special characters of shells could not be completed without quotes.
    return items.map((item) => item.metadata.name).filter((name) => /^[\w.@%+,-]+$/.test(name));
  } catch (error) {
    if (error instanceof DaisError || (error instanceof Error && error.name === 'TimeoutError')) return [];
    throw error;
  }
}

function optionOf(words: readonly string[], flags: readonly string[]): string | undefined {
  const at = words.findIndex((word) => flags.includes(word));
  return at === -1 ? undefined : words[at + 1];
}
