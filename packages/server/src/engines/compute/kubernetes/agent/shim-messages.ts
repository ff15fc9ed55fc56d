/** Messages of the protocol with the shim. Everything that a shim sends is checked here. */
import { constants } from 'node:os';
import { MessageFields } from './message-fields.ts';
import {
  encodeFrame,
  MAX_PAYLOAD_BYTES,
  PROOF_BYTES,
  ShimProtocolError,
  type AgentFrameType,
  type ShimFrame,
} from './shim-protocol.ts';

export interface ShimHello {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** In the names of Go: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly workingFolder: string;
  /** Environment variables of the image. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The first message of a connection, before its variables are known. */
export interface HelloMessage extends Omit<ShimHello, 'variables'> {
  readonly type: 'hello';
  readonly version: number;
  readonly variableCount: number;
  readonly resumes: boolean;
  readonly acknowledged: number;
}

export interface CommandStart {
  /** Inside the container. */
  readonly pid: number;
  readonly startedAt: Date;
}

/** What the kernel counted for the control group of the container; absent values could not be read. */
export interface GroupUsage {
  readonly version: 1 | 2;
  /** Since the start of the container, with the page cache. */
  readonly peakMemoryBytes?: number;
  /** Number of out-of-memory kills while the command ran. */
  readonly memoryKills?: number;
  readonly cpuMs?: number;
}

export interface CommandEnd {
  /** Undefined when a signal ended it. */
  readonly code?: number;
  readonly signal?: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** By a clock that nobody sets. */
  readonly wallMs: number;
  /** Of the processes that their parents or the shim waited for. */
  readonly cpuMs: number;
  /** Of the largest process; at least that of the shim, a few MiB. */
  readonly maxRssBytes: number;
  readonly outputBytes: number;
  /** The shim sent SIGKILL before the end. */
  readonly killed: boolean;
  /** Processes survived SIGKILL, for example because they wait for a device. */
  readonly hasSurvivors: boolean;
  readonly controlGroup?: GroupUsage;
}

/** Why a command could not be started. */
export interface StartFailure {
  /** Name of the error of the system, such as `ENOENT`. */
  readonly code: string;
  /** Names the program; for the author of the command. */
  readonly message: string;
}

export type ShimMessage =
  | HelloMessage
  | { readonly type: 'variables' | 'proof' | 'output'; readonly bytes: Buffer }
  | { readonly type: 'started'; readonly start: CommandStart }
  | { readonly type: 'terminating'; readonly signal: string }
  | { readonly type: 'exited'; readonly end: CommandEnd }
  | { readonly type: 'failed'; readonly failure: StartFailure };

const RESOURCE_LIMITS = ['cpu', 'fsize', 'data', 'stack', 'core', 'nproc', 'nofile', 'memlock', 'as'] as const;

export interface CommandOrder {
  readonly command: readonly [string, ...string[]];
  /** All environment variables of the command. */
  readonly variables: Readonly<Record<string, string>>;
  readonly workingFolder: string;
  /** Soft and hard limits of each process, as in `setrlimit`; null: the hard limit of the container. */
  readonly limits?: Readonly<
    Partial<Record<(typeof RESOURCE_LIMITS)[number], readonly [number | null, number | null]>>
  >;
  /** Time between TERM and KILL when the container is stopped and the agent sends no signal. */
  readonly graceMs: number;
  /** Proves the identity of the shim to a restarted agent, which keeps it where the command cannot read it. */
  readonly secret: string;
}

/** @throws ShimProtocolError when it is not what a shim sends. */
export function readShimMessage({ type, payload }: ShimFrame): ShimMessage {
  switch (type) {
    case 'proof':
      if (payload.length !== PROOF_BYTES) throw new ShimProtocolError('the proof of the shim has the wrong length');
      return { type, bytes: payload };
    case 'variables':
    case 'output':
      return { type, bytes: payload };
    case 'hello':
      return readHello(new MessageFields(type, payload));
    case 'started':
      return { type, start: readStart(new MessageFields(type, payload)) };
    case 'terminating':
      return { type, signal: signalName(new MessageFields(type, payload).count('signal', 64)) };
    case 'exited':
      return { type, end: readEnd(new MessageFields(type, payload)) };
    case 'failed':
  }
  return { type, failure: readFailure(new MessageFields(type, payload)) };
}

function readHello(fields: MessageFields): HelloMessage {
  return {
    type: 'hello',
    version: fields.count('version'),
    pid: fields.count('pid'),
    uid: fields.count('uid'),
    gid: fields.count('gid'),
    architecture: fields.text('architecture'),
    workingFolder: fields.text('workingFolder'),
    variableCount: fields.count('variables'),
    resumes: fields.flag('resumes'),
    acknowledged: fields.count('acknowledged'),
  };
}

function readStart(fields: MessageFields): CommandStart {
  return { pid: fields.count('pid'), startedAt: fields.date('startedAt') };
}

function readFailure(fields: MessageFields): StartFailure {
  return { code: errorName(fields.count('errno', 4095)), message: fields.text('message') };
}

function readEnd(fields: MessageFields): CommandEnd {
  const code = fields.optionalCount('code', 255);
  const signal = fields.optionalCount('signal', 64);
  if ((code === undefined) === (signal === undefined)) {
    throw new ShimProtocolError('the message `exited` has no code or signal, or both');
  }
  const group = fields.optionalObject('controlGroup');
  return {
    ...(code === undefined ? { signal: signalName(signal ?? 0) } : { code }),
    startedAt: fields.date('startedAt'),
    endedAt: fields.date('endedAt'),
    wallMs: fields.count('wallMs'),
    cpuMs: fields.count('cpuMs'),
    maxRssBytes: fields.count('maxRssBytes'),
    outputBytes: fields.count('outputBytes'),
    killed: fields.flag('killed'),
    hasSurvivors: fields.flag('hasSurvivors'),
    ...(group !== undefined && { controlGroup: readGroup(group) }),
  };
}

function readGroup(fields: MessageFields): GroupUsage {
  const [peakMemoryBytes, memoryKills, cpuMs] = ['peakMemoryBytes', 'memoryKills', 'cpuMs'].map((name) =>
    fields.optionalCount(name),
  );
  return {
    version: fields.count('version', 2) === 2 ? 2 : 1,
    ...(peakMemoryBytes !== undefined && { peakMemoryBytes }),
    ...(memoryKills !== undefined && { memoryKills }),
    ...(cpuMs !== undefined && { cpuMs }),
  };
}

/** Returns the frames that start a command. @throws RangeError for a string with a zero byte. */
export function encodeRun(order: CommandOrder): Buffer[] {
  const variables = Object.entries(order.variables).map(([name, value]) => `${name}=${value}`);
  return [
    ...encodeStrings('arguments', order.command),
    ...encodeStrings('variables', variables),
    encodeMessage('run', {
      arguments: order.command.length,
      variables: variables.length,
      workingFolder: order.workingFolder,
      limits: order.limits ?? {},
      graceMs: milliseconds(order.graceMs),
      secret: order.secret,
    }),
  ];
}

/** Returns a signal order. */
export function encodeSignal(name: NodeJS.Signals, killAfterMs: number | undefined): Buffer {
  const delay = killAfterMs === undefined ? {} : { killAfterMs: milliseconds(killAfterMs) };
  return encodeMessage('signal', { signal: constants.signals[name], ...delay });
}

/** The shim reads whole numbers; this limit is 34 years. */
function milliseconds(time: number): number {
  return Math.min(Math.ceil(time), 2 ** 40);
}

function encodeStrings(type: 'arguments' | 'variables', strings: readonly string[]): Buffer[] {
  if (strings.some((text) => text.includes('\0'))) throw new RangeError(`${type} contain a zero byte`);
  const joined = Buffer.from(strings.map((text) => `${text}\0`).join(''));
  const frames: Buffer[] = [];
  for (let at = 0; at < joined.length; at += MAX_PAYLOAD_BYTES) {
    frames.push(encodeFrame(type, joined.subarray(at, at + MAX_PAYLOAD_BYTES)));
  }
  return frames;
}

export function encodeMessage(type: AgentFrameType, message: Readonly<Record<string, unknown>>): Buffer {
  return encodeFrame(type, Buffer.from(JSON.stringify(message)));
}

/** Returns the variables in the frames before `hello`. @throws ShimProtocolError when their number is not the announced one. */
export function readVariables(joined: Buffer, count: number): Record<string, string> {
  const strings = joined.toString('utf8').split('\0');
  if (strings.pop() !== '' || strings.length !== count) {
    throw new ShimProtocolError(`the shim sent ${strings.length} variables instead of ${count}`);
  }
  return Object.fromEntries(
    strings.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

const SIGNALS = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));
const ERRORS = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Returns `SIGKILL` for 9, and `signal N` for a number without a name (a real-time signal). */
function signalName(number: number): string {
  return SIGNALS.get(number) ?? `signal ${number}`;
}

function errorName(number: number): string {
  return ERRORS.get(number) ?? `error ${number}`;
}
