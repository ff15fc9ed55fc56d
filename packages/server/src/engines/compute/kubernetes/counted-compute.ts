/** The engine of a project, with what is in progress: an engine that somebody uses is not closed. */
import { DaisError } from '@dais/api/errors';
import type { ComputeAbilities, LogChunk, LogOptions, OutputFile, TaskSpec, TaskState } from '../contract.ts';
import type { AgentCall, AgentCalls, AgentReply, TargetCompute } from '../model/target.ts';
import type { KubernetesCompute } from './kubernetes-compute.ts';
import { isNamespaceGone } from './namespace-owner.ts';

export class CountedCompute implements TargetCompute {
  readonly agents: AgentCalls = { handle: async (call) => await this.#handle(call) };
  readonly #compute: KubernetesCompute;
  readonly #lost: () => void;
  #calls = 0;

  /** `lost`: called when somebody has deleted the namespace. */
  constructor(compute: KubernetesCompute, lost: () => void) {
    this.#compute = compute;
    this.#lost = lost;
  }

  /** There are neither tasks nor calls. */
  get isIdle(): boolean {
    return this.#calls === 0 && this.#compute.isIdle;
  }

  get url(): string {
    return this.#compute.url;
  }

  note(attempt: string): string | undefined {
    return this.#compute.note(attempt);
  }

  async abilities(): Promise<ComputeAbilities> {
    return await this.#compute.abilities();
  }

  async submit(spec: TaskSpec): Promise<void> {
    try {
      await this.#count(async () => await this.#compute.submit(spec));
    } catch (error) {
      if (!isNamespaceGone(error)) throw error;
      this.#lost();
      throw new DaisError('target_unavailable', 'The namespace of the project was deleted. Dais creates it again.', {
        cause: error,
      });
    }
  }

  async status(attempt: string): Promise<TaskState | undefined> {
    return await this.#count(async () => await this.#compute.status(attempt));
  }

  async wait(attempt: string, signal: AbortSignal): Promise<TaskState | undefined> {
    return await this.#count(async () => await this.#compute.wait(attempt, signal));
  }

  async *logs(attempt: string, options?: LogOptions): AsyncIterable<LogChunk> {
    yield* this.#counted(this.#compute.logs(attempt, options));
  }

  async *outputs(attempt: string): AsyncIterable<OutputFile> {
    yield* this.#counted(this.#compute.outputs(attempt));
  }

  async cancel(attempt: string): Promise<void> {
    await this.#count(async () => await this.#compute.cancel(attempt));
  }

  async forget(attempt: string): Promise<void> {
    await this.#count(async () => await this.#compute.forget(attempt));
  }

  async *attempts(owner?: string): AsyncIterable<string> {
    yield* this.#counted(this.#compute.attempts(owner));
  }

  async close(): Promise<void> {
    await this.#compute.close();
  }

  async #handle(call: AgentCall): Promise<AgentReply> {
    const reply = await this.#count(async () => await this.#compute.agents.handle(call));
    if (reply.bytes !== undefined) {
      // In progress until the agent has received it.
      this.#calls += 1;
      reply.bytes.once('close', () => (this.#calls -= 1));
    }
    return reply;
  }

  async #count<T>(work: () => Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await work();
    } finally {
      this.#calls -= 1;
    }
  }

  async *#counted<T>(items: AsyncIterable<T>): AsyncIterable<T> {
    this.#calls += 1;
    try {
      yield* items;
    } finally {
      this.#calls -= 1;
    }
  }
}
