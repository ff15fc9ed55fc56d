/** Analyzes an ONNX file without a runtime, in a thread, so that a hostile file does not block the caller. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { programUrl, startThread } from '#lib/process.ts';
import { resolveInside } from '../model-location.ts';
import { ISOLATED, placeGraph, type GraphPlacement } from './graph-placement.ts';
import { describeOnnx, LONGEST_FILE, type OnnxDescription } from './onnx-description.ts';

export interface AnalysisRequest {
  /** Of the model. */
  readonly folder: string;
  readonly file: string;
  /** Rows of the largest admitted batch; undefined: only the description is needed. */
  readonly maxRows: number | undefined;
}

export interface OnnxAnalysis {
  readonly description: OnnxDescription;
  /** Size of the file and its external data. */
  readonly bytes: number;
  readonly placement: GraphPlacement;
}

/** From the thread. */
export type AnalysisMessage =
  | { readonly type: 'described'; readonly description: OnnxDescription; readonly bytes: number }
  | { readonly type: 'placed'; readonly placement: GraphPlacement }
  | { readonly type: 'refused'; readonly detail: string };

/** Reading a file up to this size is faster than starting a thread. */
const SMALL_FILE = 1024 * 1024;
/** So is the analysis of a graph up to this size, which takes 50 µs per node. */
const FEW_NODES = 200;
/** A graph of 50,000 nodes takes 5 s. */
const LONGEST_MS = 30_000;
/** Larger models always run in a process: their weights exceed the limit within the caller's process. */
const LARGEST_PLACED = 64 * 1024 * 1024;

/** @throws DaisError `invalid_request` for a file that is not an ONNX model that Dais can serve. */
export async function analyzeOnnx(request: AnalysisRequest, clock: Clock): Promise<OnnxAnalysis> {
  const { size } = await stat(request.file);
  if (size > SMALL_FILE) return await inThread(request, clock);
  const { content, description, bytes, externalData } = await read(request);
  if (request.maxRows === undefined) return { description, bytes, placement: ISOLATED };
  if (description.nodes > FEW_NODES || description.hasFunctions) return await inThread(request, clock);
  const placement = placeGraph({ file: content, externalData, maxRows: request.maxRows });
  return { description, bytes, placement };
}

/** The work of the thread. */
export async function analyze(request: AnalysisRequest, send: (message: AnalysisMessage) => void): Promise<void> {
  try {
    const { content, description, bytes, externalData } = await read(request);
    send({ type: 'described', description, bytes });
    const { maxRows } = request;
    const isPlaced = maxRows !== undefined && content.length <= LARGEST_PLACED;
    const placement = isPlaced ? placeGraph({ file: content, externalData, maxRows }) : ISOLATED;
    send({ type: 'placed', placement });
  } catch (error) {
    send({ type: 'refused', detail: error instanceof Error ? error.message : String(error) });
  }
}

async function inThread(request: AnalysisRequest, clock: Clock): Promise<OnnxAnalysis> {
  const thread = startThread(programUrl(import.meta.url, './onnx-analysis-thread'), request);
  let cancel = () => {};
  try {
    return await new Promise<OnnxAnalysis>((resolve, reject) => {
      let found: Omit<OnnxAnalysis, 'placement'> | undefined;
      // A graph that could not be analyzed counts as unbounded.
      const giveUp = (why: string) => {
        if (found === undefined) reject(refusal(why));
        else resolve({ ...found, placement: { rows: 0, reason: why } });
      };
      cancel = clock.after(LONGEST_MS, () => giveUp(`the analysis exceeded its time limit of ${LONGEST_MS / 1000} s`));
      thread.on('message', (message: AnalysisMessage) => {
        if (message.type === 'refused') reject(refusal(message.detail));
        else if (message.type === 'described') found = message;
        else if (found !== undefined) resolve({ ...found, placement: message.placement });
      });
      thread.once('error', (error) => giveUp(error.message));
      thread.once('exit', () => giveUp('the analysis ended without a result'));
    });
  } finally {
    cancel();
    await thread.terminate();
  }
}

function refusal(detail: string): DaisError {
  return new DaisError('invalid_request', detail);
}

async function read({ folder, file }: AnalysisRequest) {
  if ((await stat(file)).size >= LONGEST_FILE) {
    throw refusal('The ONNX file cannot be served: it is 2 GiB or larger. Store its weights as external data.');
  }
  const content = await readFile(file);
  const description = describeOnnx(content);
  let bytes = content.length;
  const externalData = new Map<string, number>();
  for (const location of description.externalData) {
    const size = await sizeOfData(folder, file, location);
    externalData.set(location, size);
    bytes += size;
  }
  return { content, description, bytes, externalData };
}

/** Checks external weights: relative to the file, within the model's folder, without links out of it. */
async function sizeOfData(folder: string, file: string, location: string): Promise<number> {
  const below = path.relative(folder, path.dirname(file));
  // The location must not contain `..`, even if it ends inside the folder.
  await resolveInside(path.dirname(file), location);
  const filePath = await resolveInside(folder, below === '' ? location : `${below}/${location}`);
  const found = await stat(filePath);
  if (!found.isFile()) throw refusal(`The external data \`${location}\` is not a file.`);
  return found.size;
}
