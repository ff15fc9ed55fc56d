/**
 * What Dais keeps of an attempt outside the cluster: its order, its inputs, its log and its outputs. Named objects are found again after a crash;
 * bytes are content-addressed, and their collector deletes them some time after nothing refers to them any more.
 */
import type { Readable } from 'node:stream';
import type { AgentInput, AgentOrder, EndRecord } from './agent-api.ts';
import type { TaskFacts } from './plan/pod-resources.ts';

export interface StoredBytes {
  /** Printable ASCII, opaque. */
  readonly locator: string;
  readonly size: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Interface: the object store of an installation. Named objects have at most 64 MiB. */
export interface TaskObjects {
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Undefined when there is none. */
  get(name: string): Promise<Buffer | undefined>;
  /** Names below a folder (with its `/`), in order. */
  list(prefix: string): AsyncIterable<string>;
  /** Deleting a missing object succeeds. */
  delete(name: string): Promise<void>;
  putBytes(source: Readable): Promise<StoredBytes>;
  getBytes(locator: string): Promise<Readable>;
}

/** Interface: encrypts orders with the key of the installation. `name` is authenticated and not stored. */
export interface OrderSeal {
  seal(order: Buffer, name: string): Promise<Buffer>;
  /** @throws Error for other bytes, or for those of another name */
  open(sealed: Buffer, name: string): Promise<Buffer>;
}

export interface StoredOrder {
  readonly order: AgentOrder;
  /** For the evaluation of the attempt. */
  readonly task: Pick<TaskFacts, 'resources' | 'limits'>;
  /** Of the inputs, in their order. */
  readonly locators: readonly string[];
}

/** An end of the agent, with the locators of the outputs by their keys. */
export interface StoredReport {
  readonly podUid: string;
  readonly round: number;
  /** Dais − node (ms), when the agent began. */
  readonly clockOffsetMs: number;
  readonly end: EndRecord;
  readonly locators: Readonly<Record<string, string>>;
}

/** Names sort like their numbers. */
const POSITION_DIGITS = 16;

export class AttemptFiles {
  readonly #objects: TaskObjects;
  readonly #seal: OrderSeal;
  readonly #root: string;

  /** `installation` and attempts consist of letters, digits and `-`. */
  constructor(objects: TaskObjects, seal: OrderSeal, installation: string) {
    this.#objects = objects;
    this.#seal = seal;
    this.#root = `tasks/${installation}`;
  }

  async storeInput(source: Readable): Promise<StoredBytes> {
    return await this.#objects.putBytes(source);
  }

  async openBytes(locator: string): Promise<Readable> {
    return await this.#objects.getBytes(locator);
  }

  /** `digest`: of the spec, in the annotation of the Job. Of two submissions at the same time, the Job names the order that counts. */
  async putOrder(attempt: string, digest: string, stored: StoredOrder): Promise<void> {
    const name = `${this.#root}/${attempt}/order-${digest}`;
    await this.#objects.put(name, await this.#seal.seal(Buffer.from(JSON.stringify(stored)), name));
  }

  /** Undefined when it was deleted: the attempt is forgotten. */
  async getOrder(attempt: string, digest: string): Promise<StoredOrder | undefined> {
    const name = `${this.#root}/${attempt}/order-${digest}`;
    const sealed = await this.#objects.get(name);
    return sealed && (JSON.parse((await this.#seal.open(sealed, name)).toString('utf8')) as StoredOrder);
  }

  /** Durable when it resolves. Repeating the same bytes changes nothing. */
  async putLog(attempt: string, position: number, bytes: Buffer): Promise<void> {
    await this.#objects.put(this.#logName(attempt, position), bytes);
  }

  /** Positions of the stored parts of the log, in order. */
  async logPositions(attempt: string): Promise<number[]> {
    const positions: number[] = [];
    for await (const name of this.#objects.list(`${this.#root}/${attempt}/log/`)) {
      positions.push(Number(name.slice(name.lastIndexOf('/') + 1)));
    }
    return positions;
  }

  /** Undefined when it was deleted. */
  async getLog(attempt: string, position: number): Promise<Buffer | undefined> {
    return await this.#objects.get(this.#logName(attempt, position));
  }

  async deleteLog(attempt: string, position: number): Promise<void> {
    await this.#objects.delete(this.#logName(attempt, position));
  }

  /** Stores an output that the agent sends; its report refers to it by the key. */
  async putOutput(attempt: string, podUid: string, key: number, source: Readable): Promise<void> {
    const stored = await this.#objects.putBytes(source);
    await this.#objects.put(`${this.#root}/${attempt}/outputs/${podUid}/${key}`, Buffer.from(JSON.stringify(stored)));
  }

  async getOutput(attempt: string, podUid: string, key: number): Promise<StoredBytes | undefined> {
    const text = await this.#objects.get(`${this.#root}/${attempt}/outputs/${podUid}/${key}`);
    return text && (JSON.parse(text.toString('utf8')) as StoredBytes);
  }

  async putReport(attempt: string, report: StoredReport): Promise<void> {
    await this.#objects.put(`${this.#root}/${attempt}/report-${report.podUid}`, Buffer.from(JSON.stringify(report)));
  }

  async getReport(attempt: string, podUid: string): Promise<StoredReport | undefined> {
    const text = await this.#objects.get(`${this.#root}/${attempt}/report-${podUid}`);
    return text && (JSON.parse(text.toString('utf8')) as StoredReport);
  }

  /** Deletes everything of an attempt. Idempotent. */
  async remove(attempt: string): Promise<void> {
    const names: string[] = [];
    for await (const name of this.#objects.list(`${this.#root}/${attempt}/`)) names.push(name);
    for (const name of names) await this.#objects.delete(name);
  }

  #logName(attempt: string, position: number): string {
    return `${this.#root}/${attempt}/log/${String(position).padStart(POSITION_DIGITS, '0')}`;
  }
}

/** Returns what the agent needs to know about an input. */
export function agentInput(path: string, executable: boolean, { size, sha256 }: StoredBytes): AgentInput {
  return { path, executable, size, sha256 };
}
