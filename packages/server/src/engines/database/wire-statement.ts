/**
 * One round trip of the extended protocol of PostgreSQL: any number of preparatory statements and one main statement, with a
 * single Sync at the end. If one fails, the server skips the rest up to the Sync, so a statement can never run without the role
 * and the project that the batch sets before it. Outside BEGIN … COMMIT such a batch is one implicit transaction, committed at
 * the Sync.
 *
 * The query method of the driver takes one round trip per statement. Measured on a Unix socket (2 cores, Node 20, server and
 * client CPU together): see database.ts.
 */
import { types, type Submittable } from 'pg';

export interface Step {
  readonly text: string;
  readonly values?: readonly unknown[] | undefined;
  /** Name of the prepared statement on the connection: parsed and planned once. */
  readonly name?: string | undefined;
  /** Marks the preparatory statement whose value is returned. */
  readonly prelude?: true;
}

export interface StepResult {
  readonly rows: object[];
  /** The first value of the marked step, in the text format of the server. */
  readonly prelude?: string | undefined;
  /** The command tag: `SELECT 3`, `COMMIT`, … COMMIT of a failed transaction returns `ROLLBACK`. */
  readonly tag: string;
}

/** The part of the driver's connection that is used here. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly WireValue[] }): void;
  describe(message: { type: 'P' }): void;
  execute(): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

type WireValue = string | Buffer | null;

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** The prepared statements of a connection: text by name; `undefined` when an error left the state unknown. */
export type PreparedNames = Map<string, string | undefined>;

const COPY_REFUSED = 'COPY is not supported here';

/** Runs `steps` on `client` in one round trip and returns the result of the last one. */
export async function runSteps(
  client: { query(statement: Submittable): unknown },
  prepared: PreparedNames,
  steps: readonly Step[],
): Promise<StepResult> {
  try {
    return await new Promise<StepResult>((resolve, reject) => {
      client.query(new WireStatement(prepared, steps, resolve, reject));
    });
  } catch (error) {
    // The stack of a protocol error ends in the socket; this one leads to the caller.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

/** The driver calls these methods when messages of the server arrive. */
class WireStatement implements Submittable {
  readonly #prepared: PreparedNames;
  readonly #steps: readonly Step[];
  readonly #resolve: (result: StepResult) => void;
  readonly #reject: (error: unknown) => void;
  /** Names parsed in this batch: valid only after the server responded without an error. */
  readonly #parsing: Step[] = [];
  #completed = 0;
  #names: string[] = [];
  #parsers: ValueParser[] = [];
  readonly #rows: object[] = [];
  #tag = '';
  #prelude: string | undefined;
  #failure: unknown;

  constructor(
    prepared: PreparedNames,
    steps: readonly Step[],
    resolve: (result: StepResult) => void,
    reject: (error: unknown) => void,
  ) {
    this.#prepared = prepared;
    this.#steps = steps;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Returns an error, as the driver expects, when nothing could be sent. */
  submit(connection: unknown): Error | null {
    const wire = connection as Wire;
    let values: (readonly WireValue[])[];
    try {
      values = this.#steps.map((step) => (step.values ?? []).map(toWire));
      for (const step of this.#steps) this.#checkName(step);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    wire.stream.cork();
    for (const [index, step] of this.#steps.entries()) {
      this.#parse(wire, step);
      wire.bind({ statement: step.name ?? '', values: values[index]! });
      if (index === this.#steps.length - 1) wire.describe({ type: 'P' });
      wire.execute();
    }
    wire.sync();
    wire.stream.uncork();
    return null;
  }

  #checkName(step: Step): void {
    if (step.name === undefined) return;
    const known = this.#prepared.get(step.name);
    if (known !== undefined && known !== step.text) {
      throw new Error(`the statement name "${step.name}" is already used for another text: ${known}`);
    }
  }

  #parse(wire: Wire, step: Step): void {
    const { name, text } = step;
    if (name === undefined) {
      wire.parse({ name: '', text });
      return;
    }
    if (this.#prepared.get(name) !== undefined) return;
    // Close of an unknown name is not an error, Parse of a known one is.
    if (this.#prepared.has(name)) wire.close({ type: 'S', name });
    wire.parse({ name, text });
    this.#prepared.set(name, text);
    this.#parsing.push(step);
  }

  handleRowDescription(message: { readonly fields: readonly Field[] }): void {
    this.#names = message.fields.map((field) => field.name);
    this.#parsers = message.fields.map((field) => valueParser(field.dataTypeID));
  }

  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void {
    if (this.#completed < this.#steps.length - 1) {
      if (this.#steps[this.#completed]?.prelude === true) this.#prelude = message.fields[0] ?? undefined;
      return;
    }
    const row: Record<string, unknown> = {};
    try {
      for (let index = 0; index < this.#names.length; index += 1) {
        const text = message.fields[index] ?? null;
        row[this.#names[index]!] = text === null ? null : this.#parsers[index]!(text);
      }
    } catch (error) {
      // An exception here would end the process: this runs in the event handler of the socket.
      this.#failure ??= error;
    }
    this.#rows.push(row);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#completed += 1;
    this.#tag = message.text;
  }

  handleEmptyQuery(): void {
    this.#completed += 1;
  }

  handlePortalSuspended(): void {}

  handleCopyInResponse(connection: unknown): void {
    (connection as Wire).sendCopyFail(COPY_REFUSED);
  }

  handleCopyData(): void {
    this.#failure ??= new Error(COPY_REFUSED);
  }

  handleError(error: unknown): void {
    // It is unknown whether the server parsed these before it failed.
    for (const step of this.#parsing) this.#prepared.set(step.name!, undefined);
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    if (this.#failure === undefined) this.#resolve({ rows: this.#rows, tag: this.#tag, prelude: this.#prelude });
    else this.#reject(this.#failure);
  }
}

/** The text form of a parameter. Arrays become PostgreSQL arrays, other objects JSON. */
function toWire(value: unknown): WireValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return arrayText(value);
  return JSON.stringify(value);
}

function arrayText(items: readonly unknown[]): string {
  let text = '{';
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) text += ',';
    const item: unknown = items[index];
    text += Array.isArray(item) ? arrayText(item) : arrayItemText(item);
  }
  return `${text}}`;
}

function arrayItemText(item: unknown): string {
  const wire = toWire(item);
  if (wire === null) return 'null';
  if (typeof wire !== 'string') return `"\\\\x${wire.toString('hex')}"`;
  return typeof item === 'string' || typeof item === 'object' ? `"${wire.replaceAll(/["\\]/g, '\\$&')}"` : wire;
}

export type ValueParser = (text: string) => unknown;

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;
const TIMESTAMP = 1114;
const TEXT_ARRAY = 1009;
const DATE_ARRAY = 1182;
const TIMESTAMP_ARRAY = 1115;
const NUMERIC_ARRAY = 1231;

// The declared type of the argument lists some types by name; any object id is accepted.
const driverParser = types.getTypeParser as unknown as (typeId: number) => ValueParser;
const arrayOfText = driverParser(TEXT_ARRAY) as (text: string) => (string | null)[];

/**
 * Parsers that differ from the defaults of the driver: int8 is a bigint (a number loses digits above 2^53); `date` and
 * `timestamp` stay text, because they are not instants; numeric[] stays text like numeric.
 */
const ours: ReadonlyMap<number, ValueParser> = new Map<number, ValueParser>([
  [INT8, BigInt],
  [INT8_ARRAY, (text) => arrayOfText(text).map((item) => (item === null ? null : BigInt(item)))],
  [DATE, String],
  [TIMESTAMP, String],
  [DATE_ARRAY, arrayOfText],
  [TIMESTAMP_ARRAY, arrayOfText],
  [NUMERIC_ARRAY, arrayOfText],
]);

/** Returns the parser of the text format of a type, by its object id. */
function valueParser(typeId: number): ValueParser {
  return ours.get(typeId) ?? driverParser(typeId);
}
