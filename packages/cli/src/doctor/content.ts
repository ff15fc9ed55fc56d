/** Stored content: damaged objects that the server has found. */
import { contentStatusOperation, DaisError, type ContentStatus, type DamagedContent } from '@dais/api';
import { damagedObjects, damagedText, passText } from '#commands/admin-content.ts';
import type { Context } from '#context.ts';
import { ok, problem, skipped, type Finding } from '#doctor/finding.ts';

const PATIENCE_MS = 5000;
/** Number of damaged objects that doctor names; `dais admin content` lists all. */
const NAMED = 10;

export async function checkContent(context: Context): Promise<Finding[]> {
  try {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const client = await context.connect();
    const status = await client.perform(contentStatusOperation, {}, { signal });
    return contentFindings(status, status.damaged === 0 ? [] : await damagedObjects(client, signal), context.now());
  } catch (error) {
    context.signal.throwIfAborted();
    const code = error instanceof DaisError ? error.code : 'no response';
    return [skipped('content', `the server did not report its stored content (${code})`)];
  }
}

function contentFindings(status: ContentStatus, items: readonly DamagedContent[], now: number): Finding[] {
  if (status.damaged === 0) return [ok('content', passText(status, now))];
  const remedy = 'Upload the same bytes again, or restore the files from a backup and run `dais admin scrub`.';
  const found = items.slice(0, NAMED).map((object) => problem('content', damagedText(object), remedy));
  const others = status.damaged - found.length;
  if (others > 0) found.push(problem('content', `${others} more objects are damaged`, 'List them: dais admin content'));
  return found;
}
