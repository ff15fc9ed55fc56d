/**
 * Predictions at a steady rate over connections of three kinds: kept HTTP/1.1 connections, a new HTTP/1.1 connection for each request, and
 * gRPC. Clients repeat nothing: each request without a correct response is a failure.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata, status, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { readPredictionId } from '@dais/api/gateway';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';

export interface GatewayLoadTarget {
  readonly endpoint: string;
  readonly token?: string;
  /** Evaluated for each connection. */
  readonly http: () => { readonly host: string; readonly port: number };
  /** Address and options of gRPC channels. */
  readonly grpc: { readonly address: string; readonly options?: ChannelOptions };
  /** Clients of each kind, and the pause between two requests of each client. */
  readonly clients: number;
  readonly pauseMs: number;
}

export type ConnectionKind = 'kept' | 'new' | 'grpc';

export interface FailedPrediction {
  readonly kind: ConnectionKind;
  readonly sentAt: number;
  readonly endedAt: number;
  /** Whether a response reports an error; otherwise there was no response. */
  readonly hasResponse: boolean;
  readonly message: string;
  /** Number of the gateway that answered on this connection before. Undefined: none, or unknown. */
  readonly gateway: number | undefined;
}

interface Answered {
  readonly id: string;
  readonly isLast: boolean;
}

const PATIENCE_MS = 60_000;
const FACTOR = 2;
const INFER = '/inference.GRPCInferenceService/ModelInfer';

class ResponseError extends Error {}

export class GatewayLoad {
  readonly failures: FailedPrediction[] = [];
  readonly ids = new Set<string>();
  /** Answered predictions by kind of connection. */
  readonly answered: Record<ConnectionKind, number> = { kept: 0, new: 0, grpc: 0 };
  /** By number of the gateway. */
  readonly byGateway = new Map<number, number>();
  readonly #target: GatewayLoadTarget;
  readonly #clients: Promise<void>;
  #isOn = true;
  #count = 0;

  constructor(target: GatewayLoadTarget) {
    this.#target = target;
    const all = (start: () => Promise<void>) => Array.from({ length: target.clients }, start);
    this.#clients = Promise.all([
      ...all(async () => await this.#sendKept()),
      ...all(async () => await this.#sendNew()),
      ...all(async () => await this.#sendGrpc()),
    ]).then(() => {});
  }

  get total(): number {
    return this.answered.kept + this.answered.new + this.answered.grpc;
  }

  /** Resolves when so many further predictions of each kind were answered. */
  async goesOn(count: number): Promise<void> {
    const before = { ...this.answered };
    const kinds = Object.keys(before) as ConnectionKind[];
    const from = performance.now();
    while (kinds.some((kind) => this.answered[kind] < before[kind] + count)) {
      if (performance.now() - from > PATIENCE_MS) {
        const last = JSON.stringify(this.failures.at(-1));
        throw new Error(`too few answers: ${JSON.stringify(this.answered)}, before ${JSON.stringify(before)}; ${last}`);
      }
      await delay(20);
    }
  }

  /** Ends when each client has its last response. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#clients;
  }

  async #sendKept(): Promise<void> {
    let agent: Agent | undefined;
    let at = this.#target.http();
    let gateway: number | undefined;
    while (this.#isOn) {
      if (agent === undefined) {
        agent = new Agent({ keepAlive: true, maxSockets: 1 });
        at = this.#target.http();
        gateway = undefined;
      }
      const connection = agent;
      const answered = await this.#tryOnce('kept', gateway, async (x) => await this.#post(connection, at, x));
      gateway = answered === undefined ? undefined : readPredictionId(answered.id)?.gateway;
      if (answered?.isLast !== false) {
        agent.destroy();
        agent = undefined;
      }
      await this.#pause();
    }
    agent?.destroy();
  }

  async #sendNew(): Promise<void> {
    while (this.#isOn) {
      await this.#tryOnce('new', undefined, async (x) => await this.#post(false, this.#target.http(), x));
      await this.#pause();
    }
  }

  async #sendGrpc(): Promise<void> {
    const { address, options } = this.#target.grpc;
    const client = new Client(address, credentials.createInsecure(), {
      // The channels of this process would share connections.
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    let gateway: number | undefined;
    while (this.#isOn) {
      const answered = await this.#tryOnce('grpc', gateway, async (x) => await this.#call(client, x));
      gateway = answered === undefined ? undefined : readPredictionId(answered.id)?.gateway;
      await this.#pause();
    }
    client.close();
  }

  /** Clients do not send at the same time. */
  async #pause(): Promise<void> {
    await delay(this.#target.pauseMs * (0.5 + Math.random()));
  }

  async #tryOnce(
    kind: ConnectionKind,
    gateway: number | undefined,
    send: (x: number) => Promise<Answered>,
  ): Promise<Answered | undefined> {
    const sentAt = performance.now();
    this.#count += 1;
    try {
      const answered = await send(this.#count % 1000);
      if (this.ids.has(answered.id)) throw new ResponseError(`the id ${answered.id} came twice`);
      this.ids.add(answered.id);
      this.answered[kind] += 1;
      const number = readPredictionId(answered.id)?.gateway ?? -1;
      this.byGateway.set(number, (this.byGateway.get(number) ?? 0) + 1);
      return answered;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const hasResponse = error instanceof ResponseError;
      this.failures.push({ kind, sentAt, endedAt: performance.now(), hasResponse, message, gateway });
      return undefined;
    }
  }

  async #post(
    agent: Agent | false,
    at: { readonly host: string; readonly port: number },
    x: number,
  ): Promise<Answered> {
    const { endpoint, token } = this.#target;
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] });
    return await new Promise((resolve, reject) => {
      const sent = request(
        {
          ...at,
          path: `/v2/models/${endpoint}/infer`,
          method: 'POST',
          agent,
          timeout: PATIENCE_MS,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
          },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (text += chunk));
          answer.once('error', reject);
          answer.once('end', () => {
            const { statusCode, headers } = answer;
            if (statusCode !== 200) return reject(new ResponseError(`${statusCode} ${text}`));
            const [output] = (JSON.parse(text) as { outputs: readonly { data: readonly number[] }[] }).outputs;
            if (output?.data[0] !== x * FACTOR) return reject(new ResponseError(`${x} became ${output?.data[0]}`));
            resolve({ id: String(headers['dais-prediction-id']), isLast: headers.connection === 'close' });
          });
        },
      );
      sent.once('timeout', () => sent.destroy(new Error(`no response within ${PATIENCE_MS / 1000} s`)));
      sent.once('error', reject);
      sent.end(body);
    });
  }

  async #call(client: Client, x: number): Promise<Answered> {
    const { endpoint, token } = this.#target;
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const tensor = messageOf(bytesField(1, 'x'), bytesField(2, 'FP32'), numberField(3, 1), numberField(3, 1));
    const values = Buffer.from(new Float32Array([x]).buffer);
    const message = messageOf(bytesField(1, endpoint), bytesField(5, tensor), bytesField(7, values));
    const same = (bytes: Uint8Array) => Buffer.from(bytes);
    return await new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + PATIENCE_MS };
      let id = '';
      const done = (error: ServiceError | null) => {
        if (error === null) return;
        // Statuses of the library have no metadata, and those of a gateway have its headers.
        const isOwn = error.code === status.UNAVAILABLE && Object.keys(error.metadata.getMap()).length === 0;
        reject(isOwn ? error : new ResponseError(error.message));
      };
      const call = client.makeUnaryRequest(INFER, same, same, Buffer.from(message), metadata, options, done);
      call.once('status', ({ code, metadata: trailer }) => {
        id = trailer.get('dais-prediction-id')[0]?.toString() ?? '';
        if (code === status.OK) resolve({ id, isLast: false });
      });
    });
  }
}
