import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError, type DaisClient, type Resource } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes, exitCodeOf, type ExitCode } from '#exit-codes.ts';
import { editableText, withConflict, withError, withoutRemarks } from '#manifests/edit-text.ts';
import { errorText } from '#output/error-text.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { printable } from '#output/width.ts';
import { runOnTerminal } from '#processes.ts';
import { resolveOne } from '#resources/kind-view.ts';

export const run: Run = async (context, args) => {
  const { kind, name } = await resolveOne(args, context.connect);
  const client = await context.connect();
  const resource = await client.get(kind.kind, name);
  const folder = await mkdtemp(join(tmpdir(), 'dais-edit-'));
  const file = join(folder, `${kind.kind.toLowerCase()}.yaml`);
  const text = await editableText(resource, kind.writeOnly);
  const exitCode = await new Editing(context, client, file, resource, text).run();
  // A rejected text is kept: it is the only copy of the user's work.
  if (exitCode === exitCodes.ok.code) await rm(folder, { recursive: true, force: true });
  return exitCode;
};

/** Edits one resource in an editor, repeatedly until it is applied. */
class Editing {
  readonly #context: Context;
  readonly #client: DaisClient;
  readonly #file: string;
  /** The version on which the text is based. */
  #base: Resource;
  /** The text that the editor last received. */
  #given: string;

  constructor(context: Context, client: DaisClient, file: string, base: Resource, text: string) {
    this.#context = context;
    this.#client = client;
    this.#file = file;
    this.#base = base;
    this.#given = text;
  }

  async run(): Promise<ExitCode> {
    let refused: DaisError | undefined;
    for (;;) {
      await writeFile(this.#file, this.#given, { mode: 0o600 });
      const code = await this.#openEditor();
      const text = await readFile(this.#file, 'utf8');
      if (code !== 0) return this.#giveUp(`The editor exited with code ${code}. No changes.`, refused);
      const sent = withoutRemarks(text);
      if (sent === withoutRemarks(this.#given)) {
        if (refused !== undefined) return this.#giveUp('The text is unchanged. No changes.', refused);
        return this.#nothing();
      }
      if (sent.trim() === '') return this.#nothing();
      try {
        return await this.#send(sent);
      } catch (error) {
        if (!(error instanceof DaisError)) throw error;
        refused = error;
        const next = await this.#textAfter(error, sent);
        if (next === undefined) return this.#giveUp('No changes.', error);
        this.#given = next;
      }
    }
  }

  async #openEditor(): Promise<number> {
    const { editor, variables } = this.#context.environment;
    return await runOnTerminal(editor, this.#file, variables);
  }

  async #send(text: string): Promise<ExitCode> {
    const { kind, metadata } = this.#base;
    this.#context.sentTexts.set('-', text);
    const { resourceVersion } = metadata;
    const resource = await this.#client.update(kind, metadata.name, { yaml: text }, { resourceVersion });
    if (await printedForPrograms(this.#context, resource)) return exitCodes.ok.code;
    const { generation } = resource.metadata;
    const outcome = generation === metadata.generation ? 'is unchanged' : `updated to revision ${generation}`;
    this.#context.terminal.out(`${kind} ${printable(metadata.name)} ${outcome}.\n`);
    return exitCodes.ok.code;
  }

  /** The next text for the editor; undefined when a retry would not help. */
  async #textAfter(error: DaisError, sent: string): Promise<string | undefined> {
    const { kind, metadata } = this.#base;
    if (error.code === 'precondition_failed' || error.code === 'conflict') {
      const now: Resource = await this.#client.get(kind, metadata.name);
      const text = withConflict(sent, this.#base, now);
      this.#base = now;
      return text;
    }
    return error.status >= 400 && error.status < 500 && error.issues !== undefined ? withError(sent, error) : undefined;
  }

  #nothing(): ExitCode {
    remark(this.#context, 'No changes.');
    return exitCodes.ok.code;
  }

  #giveUp(outcome: string, error: DaisError | undefined): ExitCode {
    const { terminal, sentTexts } = this.#context;
    if (error !== undefined) {
      terminal.err(errorText(error, { style: terminal.errStyle, sources: sentTexts, columns: terminal.columns }));
    }
    terminal.err(`${outcome} Your text is saved in ${this.#file}\n`);
    return error === undefined ? exitCodes.failed.code : exitCodeOf(error);
  }
}
