import { DaisError, type Operation } from '@dais/api';
import type { featureViewSpec } from '@dais/api/data';
import type { z } from 'zod';
import type { CallContext } from '#kernel/context.ts';
import type { Log } from '#lib/log.ts';

/** The kernel interface of both adapters. */
export interface FeastCalls {
  readonly operations: readonly Operation[];
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

export interface FeastDependencies {
  readonly calls: FeastCalls;
  readonly log: Log;
}

/** Calls operations for one request. */
export interface Caller {
  <Input extends z.ZodType, Output extends z.ZodType>(
    operation: Operation<Input, Output>,
    input: z.input<Input>,
  ): Promise<z.output<Output>>;
  /** Calls an operation that every kind has, by name. Undefined if the resource or the operation does not exist. */
  find(name: string, input: unknown): Promise<unknown>;
}

export function caller(calls: FeastCalls, context: CallContext): Caller {
  const call = async (operation: Operation, input: unknown) =>
    // The kernel validates inputs by schema; handlers validate outputs.
    (await calls.call(operation.name, input, context)) as never;
  const find = async (name: string, input: unknown) => {
    if (!calls.operations.some((operation) => operation.name === name)) return undefined;
    try {
      return await calls.call(name, input, context);
    } catch (error) {
      if (error instanceof DaisError && error.code === 'not_found') return undefined;
      throw error;
    }
  };
  return Object.assign(call, { find });
}

/** A FeatureView of `featureView.get`, with the fields that the adapters read. */
export interface KnownView {
  readonly spec: z.input<typeof featureViewSpec>;
}
