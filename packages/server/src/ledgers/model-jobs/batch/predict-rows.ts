/**
 * Runs rows through a model. If a block fails, finds the rejected rows one by one, so that the other rows keep their
 * predictions.
 */
import { DaisError } from '@dais/api';
import type { ModelJobProblem } from '@dais/api/serving';
import type { Tensor } from '#engines/inference/contract.ts';
import type { Cell } from '#engines/query/contract.ts';
import type { JsonValue } from '#lib/formats/json-reader.ts';
import type { HostedModel, HostedTable } from '../hosted-model.ts';

export interface InputColumn {
  readonly name: string;
  readonly type: string;
}

export interface RowBlock {
  readonly rows: readonly (readonly Cell[])[];
  /** Number of the first row in the version, from 1. */
  readonly first: number;
}

export interface BlockResult {
  /** Positions of the accepted rows in the block, with their outputs. */
  readonly taken: readonly { readonly from: number; readonly to: number; readonly answer: readonly Tensor[] }[];
  readonly problems: readonly ModelJobProblem[];
}

/** A row that the model rejects, if rejects are not allowed. */
export class RowRefused extends Error {
  readonly problem: ModelJobProblem;

  constructor(problem: ModelJobProblem) {
    const column = problem.column === undefined ? '' : `, column "${problem.column}"`;
    super(`Row ${problem.row}${column}: ${problem.message}`);
    this.name = 'RowRefused';
    this.problem = problem;
  }
}

/** @throws RowRefused unless rejects are allowed; DaisError for errors that no row causes. */
export async function predictRows(
  model: HostedModel,
  columns: readonly InputColumn[],
  { rows, first }: RowBlock,
  onError: 'fail' | 'reject',
): Promise<BlockResult> {
  const taken: BlockResult['taken'][number][] = [];
  const problems: ModelJobProblem[] = [];
  const ask = async (from: number, to: number): Promise<void> => {
    try {
      taken.push({ from, to, answer: await model.predict(tableOfRows(columns, rows.slice(from, to))) });
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'invalid_request') throw error;
      if (to - from > 1) {
        const middle = (from + to) >> 1;
        await ask(from, middle);
        await ask(middle, to);
        return;
      }
      const problem = problemOf(error, first + from);
      if (onError === 'fail') throw new RowRefused(problem);
      problems.push(problem);
    }
  };
  if (rows.length > 0) await ask(0, rows.length);
  return { taken, problems };
}

const LONGEST_MESSAGE = 500;

function problemOf(error: DaisError, row: number): ModelJobProblem {
  const column = error.issues?.[0]?.path;
  // The message refers to the row in the request; the result has its number in the version.
  const message = error.message.replace(/^Row 0 of the column "[^"]*"(?::\s*| )/, '').slice(0, LONGEST_MESSAGE);
  return { row, ...(column !== undefined && { column }), message };
}

export function tableOfRows(columns: readonly InputColumn[], rows: readonly (readonly Cell[])[]): HostedTable {
  const named = columns.map(({ name, type }, index): [string, JsonValue[]] => {
    const read = readerOf(type);
    return [name, rows.map((row) => read(row[index] ?? null))];
  });
  return { columns: new Map(named), rows: rows.length };
}

/** Converts a JSON value to the type of its column. */
function readerOf(type: string): (cell: Cell) => JsonValue {
  const inner = /^list<(.*)>$/.exec(type)?.[1];
  if (inner !== undefined) {
    const read = readerOf(inner);
    return (cell) => (Array.isArray(cell) ? cell.map((item) => read(item as Cell)) : (cell as JsonValue));
  }
  if (/^u?int(8|16|32|64)$/.test(type))
    return (cell) => (typeof cell === 'string' ? BigInt(cell) : (cell as JsonValue));
  if (/^float|^decimal/.test(type)) return (cell) => (typeof cell === 'string' ? Number(cell) : (cell as JsonValue));
  return (cell) => cell as JsonValue;
}
