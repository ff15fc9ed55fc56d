/** Runs a command line and returns its exit code. */
import type { Readable } from 'node:stream';
import type { Context } from '#context.ts';
import type { Environment } from '#environment.ts';
import { exitCodes, exitCodeOf, type ExitCode } from '#exit-codes.ts';
import { openTerminal, type Streams } from '#output/terminal.ts';
import { parseCommandLine } from '#program.ts';
import { ownVersion } from '#version.ts';

export interface World {
  readonly environment: Environment;
  readonly streams: Streams & { readonly stdin: Readable & { readonly isTTY?: boolean } };
  readonly workingFolder: string;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export async function runCommandLine(words: readonly string[], world: World): Promise<number> {
  const { environment, streams, signal } = world;
  // Checked before parsing, because the parser itself already prints.
  const color = !environment.noColor && !words.includes('--no-color');
  const terminal = openTerminal(streams, { color });
  const version = ownVersion();
  const completing = words[0] === '__complete';
  const parsed = completing ? undefined : await parseCommandLine(words, terminal, version);
  if (parsed !== undefined && 'exitCode' in parsed) return parsed.exitCode;
  const globals = parsed?.invocation.globals ?? { output: 'table', color: color, quiet: true };
  const context: Context = {
    terminal,
    environment,
    globals,
    workingFolder: world.workingFolder,
    now: world.now,
    signal,
    readStdin: () => readAll(streams.stdin),
    connect: async () => (await import('#connection/connect.ts')).connect(environment, globals),
    sentTexts: new Map(),
  };
  try {
    if (parsed === undefined) return await (await import('#completion/answer.ts')).answer(context, words.slice(1));
    const { definition, args, options } = parsed.invocation;
    const { run } = await definition.load();
    return await run(context, args, options as never);
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted.code;
    return await printError(error, context);
  } finally {
    terminal.progress('');
  }
}

async function printError(error: unknown, context: Context): Promise<ExitCode> {
  const { terminal, globals } = context;
  const { DaisError, toProblem } = await import('@dais/api');
  if (isSystemError(error)) {
    terminal.err(`${terminal.errStyle.fail('error:')} ${error.message}\n`);
    return exitCodes.failed.code;
  }
  if (!(error instanceof DaisError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    terminal.err(`${terminal.errStyle.fail('error:')} Unexpected error in dais. Report it with this text:\n${text}\n`);
    return exitCodes.failed.code;
  }
  if (globals.output === 'json') terminal.err(`${JSON.stringify(toProblem(error, error.requestId))}\n`);
  else {
    const { errorText } = await import('#output/error-text.ts');
    terminal.err(errorText(error, { style: terminal.errStyle, sources: context.sentTexts, columns: terminal.columns }));
  }
  return exitCodeOf(error);
}

/** An error of the operating system: its message is sufficient, a stack adds nothing. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
