/** Checks what agents send: a pod is not a part of Dais. */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { BeatRequest, BeginRequest, EndRecord } from './agent-api.ts';

/** A message that cannot be used, with the status of the response. */
export class MessageProblem extends Error {
  readonly status: 400 | 413;

  constructor(status: 400 | 413, message: string) {
    super(message);
    this.status = status;
  }
}

/** The list of outputs of an end is the largest message. */
const MAX_MESSAGE_BYTES = 16 << 20;
/** The largest time of a Date. */
const MAX_TIME = 8.64e15;

const time = z.number().min(0).max(MAX_TIME);
const count = z.int().min(0);
const name = z.string().max(253);
const text = z.string().max(65_536);

const beginRequest = z.object({
  attempt: z.string().regex(/^[a-z0-9-]{1,64}$/),
  round: z.int().min(1),
  pod: z.object({ name, uid: z.string().regex(/^[A-Za-z0-9-]{1,64}$/), ip: name, node: name }),
  at: time,
  resumes: z.boolean(),
});

const beatRequest = z.object({
  phase: z.enum(['staging', 'running', 'collecting']),
  startedAt: time.optional(),
  usage: z.object({ cpuMs: z.number(), peakMemoryBytes: z.number() }).optional(),
  logPosition: count,
  waitMs: z.number(),
});

const endRecord = z.object({
  end: z.enum(['exit', 'canceled', 'wall-time', 'out-of-memory', 'too-many-processes', 'disk-full', 'refused', 'lost']),
  reason: text.optional(),
  code: z.int().optional(),
  signal: name.optional(),
  startedAt: time.optional(),
  endedAt: time,
  usage: z.object({ wallMs: z.number(), cpuMs: z.number(), peakMemoryBytes: z.number() }).optional(),
  stoppedAt: time.optional(),
  shimGone: z.boolean().optional(),
  memoryKills: count,
  log: z.object({ position: count }),
  outputs: z.array(
    z.object({
      output: text,
      path: text,
      size: count,
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      identity: text,
      executable: z.boolean(),
      key: count,
    }),
  ),
  outputsProblem: text.optional(),
});

/** @throws MessageProblem */
export async function readBegin(body: Readable): Promise<BeginRequest> {
  return await readMessage(body, beginRequest);
}

/** @throws MessageProblem */
export async function readBeat(body: Readable): Promise<BeatRequest> {
  return (await readMessage(body, beatRequest)) as BeatRequest;
}

/** @throws MessageProblem */
export async function readEnd(body: Readable): Promise<EndRecord> {
  return (await readMessage(body, endRecord)) as EndRecord;
}

async function readMessage<T>(body: Readable, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readBounded(body, MAX_MESSAGE_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new MessageProblem(400, 'The body is not JSON.');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0] ?? { path: [], message: 'it is no message' };
  throw new MessageProblem(400, `The field ${path.join('.')} of the body is not valid: ${message}.`);
}

/** @throws MessageProblem for more bytes */
export async function readBounded(body: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new MessageProblem(413, `The body has more than ${most} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
