/** Logs of steps: read from the compute engine while they run, and from stored content afterwards. */
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import { followExecutionLogOperation, readExecutionLogOperation, type ExecutionLog } from '@dais/api/executions';
import type { ContentOwner } from '#kernel/content/references.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { ExecutionDependencies } from '../execution-dependencies.ts';
import { END_STATES } from '../machine/end-states.ts';
import { logName } from '../worker/step-files.ts';
import { requireRun, runNoun } from './execution-rows.ts';
import { computeAt } from '../targets/compute-targets.ts';
import { MOST_LOG_BYTES, readEngineLog, readRemoteLog } from './remote-logs.ts';

export interface LogPosition {
  readonly attempt: string;
  /** Bytes that were returned: the offset in the stored log after the step has ended. */
  readonly given: number;
  /** Position of the engine while the step runs; '' at the start. */
  readonly engine: string;
  /** Hex of the first bytes of an incomplete UTF-8 character. */
  readonly pending: string;
}

const SHOWN = /^([0-9a-f-]{36})\.(\d{1,15})\.((?:[0-9a-f]{2}){0,3})\.([\x21-\x7e]{0,200})$/;

function formatLogPosition({ attempt, given, engine, pending }: LogPosition): string {
  return `${attempt}.${given}.${pending}.${engine}`;
}

/** Parses a position. Undefined: the start of the log. @throws DaisError `invalid_cursor` */
function parseLogPosition(text: string | undefined): LogPosition | undefined {
  if (text === undefined || text === '') return undefined;
  const match = SHOWN.exec(text);
  if (match === null)
    throw new DaisError('invalid_cursor', 'The cursor is not a position in this log. Start again without a cursor.');
  const [, attempt = '', given = '', pending = '', engine = ''] = match;
  return { attempt, given: Number(given), pending, engine };
}

/** Decodes UTF-8 that may end within a character. The incomplete bytes stay pending, unless nothing follows. */
function decodeLog(pending: string, bytes: Buffer, last: boolean): { text: string; pending: string } {
  const all = Buffer.concat([Buffer.from(pending, 'hex'), bytes]);
  const cut = last ? all.length : all.length - unfinished(all);
  return { text: all.subarray(0, cut).toString('utf8'), pending: all.subarray(cut).toString('hex') };
}

/** Returns the number of bytes at the end that start a character and do not complete it. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

const POLL_MS = 300;

interface LogInput {
  readonly id: string;
  readonly node?: string;
  readonly attempt?: string;
}

type LogDependencies = Pick<ExecutionDependencies, 'database' | 'content' | 'compute' | 'targets' | 'place' | 'clock'>;

export function executionLogs(dependencies: LogDependencies): readonly OperationEntry[] {
  return [
    entry(readExecutionLogOperation, {
      perform: async (call) => (await readLog(dependencies, call, parseLogPosition(call.input.cursor))).log,
    }),
    entry(followExecutionLogOperation, { stream: (call) => follow(dependencies, call) }),
  ];
}

async function* follow(
  dependencies: LogDependencies,
  call: CallOf<typeof followExecutionLogOperation>,
): AsyncIterable<ExecutionLog> {
  const { signal } = call.context;
  let position = parseLogPosition(call.input.resourceVersion);
  while (!signal.aborted) {
    const { log, more } = await readLog(dependencies, call, position);
    position = parseLogPosition(log.cursor);
    if (log.text !== '' || log.ended) yield log;
    if (log.ended) return;
    if (more) continue;
    await new Promise<void>((resolve) => {
      const cancel = dependencies.clock.after(POLL_MS, resolve);
      signal.addEventListener('abort', () => (cancel(), resolve()), { once: true });
    });
  }
}

interface AttemptOfLog {
  readonly id: string;
  readonly n: number;
  readonly state: string;
  readonly compute_node: string;
  /** Whether another attempt may follow. */
  readonly final: boolean;
}

interface Read {
  readonly log: ExecutionLog;
  /** More bytes are available now. */
  readonly more: boolean;
}

async function readLog(
  dependencies: LogDependencies,
  { input, tenant, context }: CallOf<typeof followExecutionLogOperation | typeof readExecutionLogOperation>,
  from: LogPosition | undefined,
): Promise<Read> {
  const projectId = tenant.id;
  const { run, attempts, ended } = await findAttempts(dependencies, projectId, input);
  // Without a cursor, read the latest attempt. Earlier attempts are selected explicitly.
  const at = from === undefined ? attempts.at(-1) : attempts.find(({ id }) => id === from.attempt);
  if (at === undefined) {
    // No attempt has started yet, or none ever will.
    const cursor = from === undefined ? '' : formatLogPosition(from);
    return { log: { text: '', cursor, ended: ended && attempts.length === 0 }, more: false };
  }
  const position = from ?? { attempt: at.id, given: 0, engine: '', pending: '' };
  const { bytes, engine, complete } =
    at.state === 'ended'
      ? await readKept(dependencies, { projectId, uid: run, label: `run ${run}` }, position)
      : await readRunning(dependencies, { ...at, projectId }, position, context.signal);
  const { text, pending } = decodeLog(position.pending, bytes, complete);
  const next: LogPosition = { attempt: at.id, given: position.given + bytes.length, engine, pending };
  const following = attempts[attempts.indexOf(at) + 1];
  const here = { text, attempt: at.id };
  if (complete && following !== undefined) {
    const cursor = formatLogPosition({ attempt: following.id, given: 0, engine: '', pending: '' });
    return { log: { ...here, cursor, ended: false }, more: true };
  }
  return {
    log: { ...here, cursor: formatLogPosition(next), ended: complete && at.final },
    more: !complete && bytes.length > 0,
  };
}

async function findAttempts({ database }: LogDependencies, projectId: string, { id, node, attempt }: LogInput) {
  return await transact(database, { mode: 'read', projectId }, async ({ sql }) => {
    const run = await requireRun(sql, projectId, id);
    const nodes = await sql.query<{ id: string; path: string; state: string }>(
      `select id, path, state from executions.node where run = $1 and kind = 'step' and ($2::text is null or path = $2)
       order by path limit 2`,
      [run.id, node ?? null],
      'execution_log_node',
    );
    const [of] = nodes;
    if (nodes.length > 1) {
      const issues = [
        { path: 'node', message: 'is required because there are several steps', expected: of?.path ?? '' },
      ];
      throw new DaisError(
        'invalid_request',
        `The ${runNoun(run)} "${run.name}" has several steps. Specify the step whose log you want.`,
        { issues },
      );
    }
    if (of === undefined && node !== undefined) {
      throw new DaisError(
        'not_found',
        `The ${runNoun(run)} "${run.name}" has no step "${node}", or the step has not been created yet.`,
      );
    }
    const nodeEnded = (END_STATES as readonly string[]).includes(of?.state ?? '');
    const rows = await sql.query<Omit<AttemptOfLog, 'final'>>(
      `select id, n, state, compute_node from executions.attempt
       where node = $1 and ($2::uuid is null or id = $2) order by n`,
      [of?.id ?? null, attempt ?? null],
      'execution_log_attempts',
    );
    if (attempt !== undefined && rows.length === 0) {
      throw new DaisError('not_found', `The step has no attempt "${attempt}". List its attempts to find their ids.`);
    }
    const attempts = rows.map((row): AttemptOfLog => ({ ...row, final: attempt !== undefined || nodeEnded }));
    return { run: run.id, attempts, ended: nodeEnded || run.ended_at !== null };
  });
}

interface Piece {
  readonly bytes: Buffer;
  readonly engine: string;
  /** The log is complete: no bytes follow. */
  readonly complete: boolean;
}

async function readKept(
  { content }: LogDependencies,
  owner: ContentOwner,
  { attempt, given }: LogPosition,
): Promise<Piece> {
  const [info] = await content.list(owner, { prefix: logName(attempt), limit: 1 });
  const size = info?.name === logName(attempt) ? info.size : 0;
  if (given >= size) return { bytes: Buffer.alloc(0), engine: '', complete: true };
  const end = Math.min(size, given + MOST_LOG_BYTES) - 1;
  const { bytes } = await content.open(owner, logName(attempt), { start: given, end });
  return { bytes: await buffer(bytes), engine: '', complete: end === size - 1 };
}

async function readRunning(
  dependencies: LogDependencies,
  { id: attempt, compute_node: computeNode, projectId }: AttemptOfLog & { readonly projectId: string },
  { engine }: LogPosition,
  signal: AbortSignal,
): Promise<Piece> {
  const placed = await computeAt(dependencies, { place: computeNode, projectId });
  const read =
    placed === undefined
      ? await readRemoteLog(dependencies, { computeNode, attempt, engine }, signal)
      : await readEngineLog(placed.compute, attempt, engine);
  return { ...read, complete: false };
}
