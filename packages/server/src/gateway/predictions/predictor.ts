/** Serves a prediction: authorization, choice of the variant, admission, model run. */
import { DaisError } from '@dais/api/errors';
import { predictionId } from '@dais/api/gateway';
import { ModelError, type LoadedModel } from '#engines/inference/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { Attempt, Caller, RequestBody } from './attempt.ts';
import { batchGroup, type BatchItem } from '../models/batcher.ts';
import type { CaptureSink } from './capture.ts';
import { checkInputs, checkLimits } from '../tensors/check-inputs.ts';
import type { LiveModel } from '../models/model-slot.ts';
import { chooseVariant, findEndpoint, type EndpointRoute, type RouteVariant } from '../routing/route-table.ts';
import type { Routes } from '../routing/routes.ts';
import type {
  EndpointAddress,
  InferResponse,
  InferRequest,
  OpenedRequest,
  ServedDescription,
} from '../serving-protocol.ts';
import { ShadowQueue } from './shadow-queue.ts';
import { tracePrediction } from './prediction-trace.ts';
import { rowsOf } from '../tensors/tensor-rows.ts';
import type { Tensor } from '../tensors/tensors.ts';

export interface PredictorDependencies {
  readonly routes: Routes;
  readonly capture: CaptureSink | undefined;
  readonly number: number;
  /** Undefined: tracing is off. */
  readonly tracer?: Tracer | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface PredictedReply<Reply> {
  readonly reply: Reply;
  readonly answer: InferResponse;
  /**
   * Call this when the reply has been passed to the transport. Returns false if the tensors of the request are still in
   * use.
   */
  readonly afterwards: () => boolean;
}

export class Predictor {
  readonly #dependencies: PredictorDependencies;
  readonly #shadows: ShadowQueue;
  #count = Math.floor(Math.random() * 2 ** 30);

  constructor(dependencies: PredictorDependencies) {
    this.#dependencies = dependencies;
    this.#shadows = new ShadowQueue(
      dependencies.clock,
      dependencies.log,
      ({ attempt, variant, caller }, { error, ...outcome }) => {
        const copy = { ...attempt, ...outcome, variant, id: this.#newId(attempt.route) };
        return this.#record(copy, caller, error === undefined ? undefined : asDaisError(error), attempt.id);
      },
    );
  }

  get shadows(): ShadowQueue {
    return this.#shadows;
  }

  /** Resolves the endpoint before the body is read. */
  find({ endpoint }: EndpointAddress, { project, grant }: Pick<Caller, 'project' | 'grant'>): EndpointRoute {
    return findEndpoint(this.#dependencies.routes.table, endpoint, project, grant);
  }

  /** An error of `body.open` is recorded as a failed request. */
  async predict<Reply>(
    route: EndpointRoute,
    version: string | undefined,
    caller: Caller,
    body: RequestBody<Reply>,
  ): Promise<PredictedReply<Reply>> {
    const attempt: Attempt = {
      id: this.#newId(route),
      route,
      variant: undefined,
      callerId: undefined,
      inputs: [],
      inputBytes: 0,
      outputs: [],
      parameters: {},
      startedAt: performance.now(),
    };
    try {
      const reply = await this.#answer(attempt, version, caller, body);
      const recorded = this.#record(attempt, caller, undefined, undefined);
      if (recorded !== undefined) await recorded;
      this.#tally(attempt, 200);
      this.#trace(attempt, caller, 200);
      return reply;
    } catch (error) {
      const daisError = asDaisError(error);
      if (daisError.code === 'internal')
        this.#dependencies.log.error('a prediction failed', { error, requestId: caller.requestId });
      this.#tally(attempt, daisError.status);
      // Return the error whether or not it could be captured.
      await this.#record(attempt, caller, daisError, undefined)?.catch(() => {});
      this.#trace(attempt, caller, daisError.status);
      throw daisError;
    }
  }

  #newId({ hash }: EndpointRoute): string {
    return predictionId(
      { at: this.#dependencies.clock.now(), gateway: this.#dependencies.number, endpoint: hash },
      this.#count++,
    );
  }

  async #answer<Reply>(
    attempt: Attempt,
    version: string | undefined,
    caller: Caller,
    body: RequestBody<Reply>,
  ): Promise<PredictedReply<Reply>> {
    const { route } = attempt;
    const { served, load } = route;
    const { concurrency } = served;
    if (caller.isTrial !== true)
      this.#dependencies.routes.quotas.take(served.project, caller.principal, performance.now());
    if (concurrency !== undefined && load.running >= concurrency) {
      throw new DaisError(
        'rate_limited',
        `The endpoint "${served.name}" accepts at most ${concurrency} concurrent requests.`,
      );
    }
    if (
      served.capture.policy !== 'off' &&
      served.capture.overflow === 'shed' &&
      this.#dependencies.capture?.full() === true
    ) {
      throw new DaisError(
        'overloaded',
        'Predictions cannot be captured at the moment, and the endpoint rejects requests that cannot be captured (`spec.capture.overflow`).',
      );
    }
    load.running++;
    let pinned: RouteVariant | undefined;
    let opened: OpenedRequest<Reply> | undefined;
    try {
      const opening = body.open();
      // Nearly always parsed already: avoid a turn for a promise.
      opened = opening instanceof Promise ? await opening : opening;
      attempt.callerId = opened.id;
      const { parameters, id } = opened;
      const variant = chooseVariant(route, version, { header: caller.header, parameters, id, chance: Math.random });
      attempt.variant = variant;
      pinned = variant;
      variant.slot.pin();
      const deadline = deadlineOf(served.timeoutMs, caller.timeoutMicros, opened.timeoutMicros);
      const live = variant.slot.live ?? (await this.#waitFor(variant, deadline, caller, body.bytes));
      const described = describe(route, variant, live.model);
      const decoding = opened.decode(described);
      const request = decoding instanceof Promise ? await decoding : decoding;
      attempt.inputs = request.inputs;
      attempt.parameters = request.parameters ?? {};
      attempt.inputBytes = checkLimits(request.inputs, served);
      checkInputs(request, described);
      const outputs = await this.#run(attempt, variant, live, request, deadline, caller);
      attempt.outputs = outputs;
      const answer = { outputs, described, variant: variant.name, predictionId: attempt.id };
      const reply = opened.encode(answer);
      const { policy } = served.capture;
      // These two policies write after the response.
      const isWritten = (policy !== 'async' && policy !== 'sample') || caller.isTrial === true;
      return { reply, answer, afterwards: () => !this.#shadows.add(attempt, request, caller) && isWritten };
    } finally {
      load.running--;
      pinned?.slot.unpin();
      opened?.close?.();
    }
  }

  /** The first requests after scaling to zero wait for the model, within limits and their own timeout. */
  async #waitFor(variant: RouteVariant, deadline: number, caller: Caller, bodyBytes: number): Promise<LiveModel> {
    return await new Promise<LiveModel>((resolve, reject) => {
      const cancel = this.#dependencies.clock.after(deadline - performance.now(), () => {
        stop();
        reject(new DaisError('deadline_exceeded', 'The model was not loaded within the timeout of the request.'));
      });
      const stop = caller.onGone(() => {
        cancel();
        reject(disconnected());
      });
      variant.slot
        .hold(REQUEST_BYTES + bodyBytes)
        .then(resolve, reject)
        .finally(() => {
          cancel();
          stop();
        });
    });
  }

  async #run(
    attempt: Attempt,
    variant: RouteVariant,
    { model, batcher }: LiveModel,
    request: InferRequest,
    deadline: number,
    caller: Caller,
  ): Promise<readonly Tensor[]> {
    const { served, load } = attempt.route;
    const { inputs, outputs, parameters } = request;
    const bytes = attempt.inputBytes;
    const rows = model.batchable ? rowsOf(inputs) : 1;
    if (rows === undefined) {
      const shapes = inputs.map(({ name, shape }) => `${name} [${shape.join()}]`).join(', ');
      throw new DaisError('invalid_request', `The inputs have different numbers of rows: ${shapes}.`);
    }
    const { queue } = load;
    // A request larger than the whole queue is accepted when the queue is empty.
    if (queue.rows > 0 && (queue.rows + rows > served.queue.rows || queue.bytes + bytes > served.queue.bytes)) {
      variant.counters.shed++;
      throw new DaisError(
        'overloaded',
        `The queue of the endpoint "${served.name}" is full: ${queue.rows} rows are waiting.`,
      );
    }
    const left = deadline - performance.now();
    if (batcher.expectedMicros / 1000 > left) {
      variant.counters.shed++;
      throw new DaisError('overloaded', 'The queue takes longer than the timeout of the request.', {
        retryAfter: Math.max(1, Math.ceil(batcher.expectedMicros / 1e6)),
      });
    }
    return await new Promise<readonly Tensor[]>((resolve, reject) => {
      const end = () => {
        cancel();
        stop();
        variant.counters.queueMicros += item.queueMicros;
      };
      const item: BatchItem = {
        inputs,
        outputs,
        parameters,
        rows,
        bytes,
        limits: served.batching,
        group: batchGroup(served.uid, request),
        queue,
        counts: variant.counters.batches,
        enteredAt: 0,
        queueMicros: 0,
        runMicros: 0,
        state: 'waiting',
        resolve: (tensors) => {
          end();
          resolve(tensors);
        },
        reject: (error) => {
          if (error instanceof ModelError) variant.counters.modelErrors++;
          end();
          reject(error);
        },
      };
      attempt.batch = item;
      const leave = (error: DaisError) => {
        batcher.remove(item);
        end();
        reject(error);
      };
      const cancel = this.#dependencies.clock.after(Math.max(0, left), () =>
        leave(new DaisError('deadline_exceeded', 'The model did not respond within the timeout of the request.')),
      );
      const stop = caller.onGone(() => leave(disconnected()));
      batcher.add(item);
    });
  }

  #tally({ variant, startedAt }: Attempt, status: number): void {
    variant?.counters.answered(this.#dependencies.clock.now(), (performance.now() - startedAt) * 1000, status);
  }

  #trace(attempt: Attempt, caller: Caller, status: number): void {
    const { tracer, clock } = this.#dependencies;
    if (tracer !== undefined) tracePrediction({ tracer, clock }, attempt, caller, status);
  }

  #record(
    attempt: Attempt,
    caller: Caller,
    failed: DaisError | undefined,
    shadowOf: string | undefined,
  ): Promise<void> | undefined {
    const { capture, clock } = this.#dependencies;
    const { served } = attempt.route;
    if (capture === undefined || served.capture.policy === 'off' || caller.isTrial === true) return undefined;
    const { variant } = attempt;
    const recorded = capture.append(
      {
        id: attempt.id,
        at: clock.now(),
        project: served.project,
        endpoint: served.name,
        endpointUid: served.uid,
        variant: variant?.name ?? '',
        model: variant?.model.name ?? '',
        version: variant?.model.version ?? '',
        shadowOf,
        protocol: caller.protocol,
        principal: caller.principal,
        requestId: caller.requestId,
        callerId: attempt.callerId,
        traceparent: caller.traceparent,
        status: failed?.status ?? 200,
        error: failed?.message,
        latencyMicros: Math.round((performance.now() - attempt.startedAt) * 1000),
        inputs: attempt.inputs,
        outputs: attempt.outputs,
        parameters: attempt.parameters,
      },
      served.capture,
    );
    const { policy } = served.capture;
    if (recorded === undefined || policy === 'ack' || policy === 'sync') return recorded;
    recorded.catch((error: unknown) => this.#dependencies.log.warn('cannot capture a prediction', { error }));
    return undefined;
  }
}

/** Estimated memory of a request that waits for a model, without its body. */
const REQUEST_BYTES = 16 * 1024;

export function describe(
  route: EndpointRoute,
  { model }: RouteVariant,
  { platform, inputs, outputs }: LoadedModel,
): ServedDescription {
  return {
    endpoint: route.served.name,
    version: model.version ?? model.name,
    platform,
    inputs,
    outputs,
    signature: model.signature,
    enforce: route.served.enforce,
  };
}

/** Uses `performance.now`, because changes of the clock must not end requests. */
function deadlineOf(timeoutMs: number, ...micros: readonly (number | undefined)[]): number {
  let least = timeoutMs;
  for (const value of micros) if (value !== undefined && value > 0) least = Math.min(least, value / 1000);
  return performance.now() + least;
}

function disconnected(): DaisError {
  return new DaisError('request_timeout', 'The client closed the connection.');
}

function asDaisError(error: unknown): DaisError {
  if (error instanceof DaisError) return error;
  return new DaisError('internal', 'Internal server error during the prediction.', { cause: error });
}
