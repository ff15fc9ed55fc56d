/**
 * What Dais keeps of an attempt outside the cluster: its order, its inputs, its log and its outputs. Everything is in the folder of the attempt, is found
 * again after a crash, and is deleted with the folder when the attempt is forgotten.
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
  /**
   * Stores bytes of any size below a folder (without its `/`); durable when it resolves. A source that fails, or ends before its end, leaves nothing that
   * `getBytes` returns.
   */
  putBytes(folder: string, source: Readable): Promise<StoredBytes>;
  /** @throws DaisError `content_missing` when they were deleted */
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
/** Orders whose locators are remembered. */
const MAX_ORDERS = 200;
const DELETES = 8;

export class AttemptFiles {
  readonly #objects: TaskObjects;
  readonly #seal: OrderSeal;
  readonly #root: string;
  /** Locators of the inputs by the name of their order, the oldest first. */
  readonly #locators = new Map<string, readonly string[]>();

  /** `installation` and attempts consist of letters, digits and `-`. */
  constructor(objects: TaskObjects, seal: OrderSeal, installation: string) {
    this.#objects = objects;
    this.#seal = seal;
    this.#root = installation;
  }

  async storeInput(attempt: string, source: Readable): Promise<StoredBytes> {
    return await this.#objects.putBytes(`${this.#root}/${attempt}/bytes`, source);
  }

  async openBytes(locator: string): Promise<Readable> {
    return await this.#objects.getBytes(locator);
  }

  /** `digest`: of the spec, in the annotation of the Job. Of two submissions at the same time, the Job names the order that counts. */
  async putOrder(attempt: string, digest: string, stored: StoredOrder): Promise<void> {
    const name = this.#orderName(attempt, digest);
    await this.#objects.put(name, await this.#seal.seal(Buffer.from(JSON.stringify(stored)), name));
  }

  /** Undefined when it was deleted: the attempt is forgotten. */
  async getOrder(attempt: string, digest: string): Promise<StoredOrder | undefined> {
    const name = this.#orderName(attempt, digest);
    const sealed = await this.#objects.get(name);
    return sealed && (JSON.parse((await this.#seal.open(sealed, name)).toString('utf8')) as StoredOrder);
  }

  /**
   * Returns the locator of an input; undefined when there is none, or the order was deleted. An agent fetches its inputs one by one, and opening the order
   * takes a call of the key store: the locators are remembered.
   */
  async inputLocator(attempt: string, digest: string, index: number): Promise<string | undefined> {
    const name = this.#orderName(attempt, digest);
    let locators = this.#locators.get(name);
    if (locators === undefined) {
      locators = (await this.getOrder(attempt, digest))?.locators;
      if (locators === undefined) return undefined;
      this.#locators.set(name, locators);
      for (const oldest of this.#locators.keys()) {
        if (this.#locators.size <= MAX_ORDERS) break;
        this.#locators.delete(oldest);
      }
    }
    return locators[index];
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
    const stored = await this.#objects.putBytes(`${this.#root}/${attempt}/bytes`, source);
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
    const folder = `${this.#root}/${attempt}/`;
    const names: string[] = [];
    for await (const name of this.#objects.list(folder)) {
      names.push(name);
      this.#locators.delete(name);
    }
    await deleteObjects(this.#objects, names);
  }

  #orderName(attempt: string, digest: string): string {
    return `${this.#root}/${attempt}/order-${digest}`;
  }

  #logName(attempt: string, position: number): string {
    return `${this.#root}/${attempt}/log/${String(position).padStart(POSITION_DIGITS, '0')}`;
  }
}

/** Returns what the agent needs to know about an input. */
export function agentInput(path: string, executable: boolean, { size, sha256 }: StoredBytes): AgentInput {
  return { path, executable, size, sha256 };
}

/** Deletes several at a time. */
export async function deleteObjects(objects: Pick<TaskObjects, 'delete'>, names: Iterable<string>): Promise<void> {
  const waiting = [...names].values();
  const work = async () => {
    for (const name of waiting) await objects.delete(name);
  };
  await Promise.all(Array.from({ length: DELETES }, work));
}
