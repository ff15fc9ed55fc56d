import { createInterface } from 'node:readline/promises';
import { DaisError, type Change, type DaisClient, type Resource } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes, exitCodeOf, type ExitCode } from '#exit-codes.ts';
import { errorText } from '#output/error-text.ts';
import { jsonText, yamlDocuments } from '#output/documents.ts';
import { remark } from '#output/result.ts';
import { printable } from '#output/width.ts';
import { resolveTarget, type KindView } from '#resources/kind-view.ts';
import { resourceWord } from '#resources/resource-table.ts';

interface DeleteOptions {
  readonly selector?: string;
  readonly yes?: true;
  readonly wait?: true;
  /** Milliseconds. */
  readonly timeout: number;
}

export const run: Run<DeleteOptions> = async (context, args, options) => {
  const { kind, names } = await resolveTarget(args, context.connect);
  const client = await context.connect();
  const chosen = names.length > 0 ? names : await choose(context, client, kind, options);
  const gone: Resource[] = [];
  const errors: DaisError[] = [];
  for (const name of chosen) {
    try {
      gone.push(await client.delete(kind.kind, name));
    } catch (error) {
      if (!(error instanceof DaisError) || error.retryable) throw error;
      errors.push(error);
    }
  }
  await print(context, gone, options.wait === true);
  for (const error of errors) {
    context.terminal.err(
      errorText(error, { style: context.terminal.errStyle, sources: new Map(), columns: undefined }),
    );
  }
  const [first] = errors;
  if (first !== undefined) return exitCodeOf(first);
  return options.wait === true ? await waitUntilGone(context, client, gone, options.timeout) : exitCodes.ok.code;
};

/**
 * Deletes the resources of the selector after confirmation. @throws DaisError `invalid_request` without a selection.
 */
async function choose(
  context: Context,
  client: DaisClient,
  kind: KindView,
  { selector, yes }: DeleteOptions,
): Promise<readonly string[]> {
  if (selector === undefined) {
    throw new DaisError('invalid_request', `Which ${kind.plural}? Give their names, or labels with --selector.`);
  }
  const names: string[] = [];
  for await (const resource of client.list(kind.kind, { labels: selector })) names.push(resource.metadata.name);
  if (names.length === 0) {
    remark(context, `No ${kind.plural} match ${selector}.`);
    return [];
  }
  if (yes === true) return names;
  const shown = names.slice(0, 20).map(printable).join(', ');
  const question = `Delete ${names.length} ${kind.plural}: ${shown}${names.length > 20 ? ', …' : ''}?`;
  if (!context.terminal.interactive) {
    throw new DaisError('invalid_request', `${question} There is no terminal to confirm: add --yes.`);
  }
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal: context.signal });
    return /^y(es)?$/i.test(answer.trim()) ? names : [];
  } finally {
    reader.close();
  }
}

async function print(context: Context, gone: readonly Resource[], waits: boolean): Promise<void> {
  const { terminal, globals } = context;
  if (globals.output === 'json') terminal.out(jsonText({ items: gone }));
  else if (globals.output === 'yaml') terminal.out(await yamlDocuments(gone));
  else if (globals.output === 'name') for (const one of gone) terminal.out(`${printable(resourceWord(one))}\n`);
  else {
    for (const { kind, metadata } of gone) {
      const holders = metadata.finalizers ?? [];
      const name = `${kind} ${printable(metadata.name)}`;
      if (metadata.deletionRequestedAt === undefined) terminal.out(`${name} deleted.\n`);
      else if (!waits) terminal.out(`${name} is being deleted; waiting for ${holders.join(', ') || 'the platform'}.\n`);
    }
  }
}

async function waitUntilGone(
  context: Context,
  client: DaisClient,
  gone: readonly Resource[],
  timeoutMs: number,
): Promise<ExitCode> {
  const changes = gone
    .filter((resource) => resource.metadata.deletionRequestedAt !== undefined)
    .map(({ kind, metadata }): Change => ({
      kind,
      name: metadata.name,
      ...(metadata.project !== undefined && { project: metadata.project }),
      action: 'delete',
      fields: [],
    }));
  const { waitUntilReady } = await import('#manifests/wait-until-ready.ts');
  return await waitUntilReady(context, client, changes, timeoutMs);
}
