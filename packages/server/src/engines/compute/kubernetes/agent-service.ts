/**
 * Answers the agents of a target. It has no state but the newest beats: everything else is in the annotations of the Jobs and in the object store, so
 * any process of the installation can answer any call.
 */
import type { Clock } from '#lib/clock.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { AgentCall, AgentCalls, AgentReply } from '../model/target.ts';
import type { BeatResponse, BeginRequest, BeginResponse, LogConflict } from './agent-api.ts';
import { MessageProblem, readBeat, readBegin, readBounded, readEnd as readEndRecord } from './agent-messages.ts';
import type { AgentSession, AgentSessions } from './agent-sessions.ts';
import type { AttemptLoop } from './attempt-loop.ts';
import { found, keepJob, type ClusterView, type KeptJob } from './cluster-view.ts';
import { formatRecord, readBegun, readCancel, readEnd } from './plan/attempt-records.ts';
import { ANNOTATIONS, tokenAudience } from './plan/names.ts';
import type { AttemptFiles } from './task-store.ts';

export interface AgentServiceDependencies {
  readonly client: ClusterClient;
  readonly view: ClusterView;
  readonly loop: AttemptLoop;
  readonly files: AttemptFiles;
  readonly sessions: AgentSessions;
  readonly installation: string;
  readonly namespace: string;
  readonly clock: Clock;
}

interface FoundJob {
  readonly job: KeptJob | undefined;
  readonly gone: string | undefined;
}

interface LogPart {
  readonly call: AgentCall;
  readonly isGap: boolean;
}

/** The agent sends at most 256 KiB, or 1 MiB at once after an outage. */
const MAX_LOG_BYTES = 2 << 20;
const WAIT_MS = 2000;
const CONFLICTS = 20;

export class AgentService implements AgentCalls {
  readonly #dependencies: AgentServiceDependencies;

  constructor(dependencies: AgentServiceDependencies) {
    this.#dependencies = dependencies;
  }

  async handle(call: AgentCall): Promise<AgentReply> {
    try {
      return await this.#handle(call);
    } catch (error) {
      if (error instanceof MessageProblem) return refusal(error.status, error.message);
      throw error;
    }
  }

  async #handle(call: AgentCall): Promise<AgentReply> {
    const { method } = call;
    const [path = '', query] = call.path.split('?');
    if (method === 'POST' && path === '/begin') return await this.#begin(call);
    const session = this.#dependencies.sessions.read(call.token);
    if (session === undefined) return refusal(401, 'The session is not valid.');
    const { job, gone } = await this.#findJob(session);
    if (gone !== undefined && path !== '/end') return refusal(410, gone);
    const [, name = '', number = ''] = /^\/([a-z]+)(?:\/(\d{1,15}))?$/.exec(path) ?? [];
    const action = `${method} ${name}${number === '' ? '' : '/N'}`;
    switch (action) {
      case 'POST beat':
        return await this.#beat(session, call);
      case 'GET inputs/N':
        return await this.#input(session, Number(number), job);
      case 'PUT log/N':
        return await this.#log(session, Number(number), { call, isGap: query === 'gap' });
      case 'PUT outputs/N':
        await this.#dependencies.files.putOutput(session.attempt, session.podUid, Number(number), call.body);
        return { status: 204 };
      case 'POST end':
        return await this.#end(session, call, gone);
      default:
        return refusal(404, `There is no ${method} ${path}.`);
    }
  }

  async #begin(call: AgentCall): Promise<AgentReply> {
    const request = await readBegin(call.body);
    const problem = await this.#checkToken(call.token, request);
    if (problem !== undefined) return refusal(401, problem);
    return { status: 200, json: await this.#decide(request) };
  }

  /** Verifies that the token belongs to the pod and is for this attempt. Undefined when it is valid. */
  async #checkToken(token: string, { attempt, pod }: BeginRequest): Promise<string | undefined> {
    const { client, installation, namespace } = this.#dependencies;
    const audience = tokenAudience(installation, attempt);
    const target = { group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews' };
    const review = await client.review(target, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    });
    const { authenticated, audiences, user } = review['status'] as {
      readonly authenticated?: boolean;
      readonly audiences?: readonly string[];
      readonly user?: { readonly username?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
    };
    // An empty list of audiences means that the token is for the API server, not for Dais.
    if (authenticated !== true || audiences?.includes(audience) !== true) return 'The token is not for this attempt.';
    const uids = user?.extra?.['authentication.kubernetes.io/pod-uid'] ?? [];
    const isOfNamespace = user?.username?.startsWith(`system:serviceaccount:${namespace}:`) === true;
    return isOfNamespace && uids.includes(pod.uid) ? undefined : 'The token belongs to another pod.';
  }

  /** The first pod that asks runs the command: it writes its record into the Job, with the version of the Job as a precondition. */
  async #decide({ attempt, round, pod, at }: BeginRequest): Promise<BeginResponse> {
    const { view, clock, files, sessions } = this.#dependencies;
    for (let conflicts = 0; conflicts < CONFLICTS; conflicts += 1) {
      // A start is written only with the newest version, so that an old one is refused and read again.
      const cached = conflicts === 0 ? view.cached(attempt).job : undefined;
      const job = isNew(cached) ? cached : await this.#readJob(attempt);
      if (job?.attempt !== attempt) return { answer: 'gone', reason: 'The attempt does not exist.' };
      const begun = readBegun(job);
      const isOver = readEnd(job) !== undefined || (begun === undefined && readCancel(job) !== undefined);
      if (isOver || job.metadata.deletionTimestamp !== undefined)
        return { answer: 'gone', reason: 'The attempt is over.' };
      if (begun === undefined) {
        // Suspended again, its pod is about to be deleted: the command starts in the next one.
        if (job.spec.suspend === true) return { answer: 'wait', afterMs: WAIT_MS };
        if (!(await this.#recordBegin(job, { podUid: pod.uid, round }))) continue;
      } else if (begun.podUid !== pod.uid || begun.round !== round) {
        return { answer: 'gone', reason: 'Another pod runs the command.' };
      }
      const stored = await files.getOrder(attempt, job.metadata.annotations?.[ANNOTATIONS.spec] ?? '');
      if (stored === undefined) return { answer: 'gone', reason: 'The attempt was forgotten.' };
      const session = sessions.create({ attempt, podUid: pod.uid, round, clockOffsetMs: clock.now() - at });
      return { answer: 'go', session, order: stored.order, at: clock.now() };
    }
    return { answer: 'wait', afterMs: WAIT_MS };
  }

  async #recordBegin(job: KeptJob, pod: { readonly podUid: string; readonly round: number }): Promise<boolean> {
    const { client, view, loop, clock } = this.#dependencies;
    const record = formatRecord({ ...pod, at: new Date(clock.now()) });
    try {
      const written = await client.patch(view.jobReference(job.attempt), {
        merge: { metadata: { annotations: { [ANNOTATIONS.begun]: record } } },
        resourceVersion: job.resourceVersion,
      });
      view.note(written);
      loop.wake(job.attempt);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 409) return false;
      throw error;
    }
  }

  /** `gone` is undefined while the pod of the session runs the attempt. */
  async #findJob({ attempt, podUid, round }: AgentSession): Promise<FoundJob> {
    let { job } = this.#dependencies.view.cached(attempt);
    // The watch may be behind.
    if (job === undefined || readBegun(job) === undefined) job = await this.#readJob(attempt);
    const begun = job && readBegun(job);
    if (job === undefined || begun?.podUid !== podUid || begun.round !== round) {
      return { job, gone: 'Another pod runs the command.' };
    }
    return { job, gone: readEnd(job) === undefined ? undefined : 'The attempt is over.' };
  }

  async #readJob(attempt: string): Promise<KeptJob | undefined> {
    const { view, client } = this.#dependencies;
    const object = await found(client.get(view.jobReference(attempt)));
    return object && keepJob(object);
  }

  async #beat(session: AgentSession, call: AgentCall): Promise<AgentReply> {
    const beat = await readBeat(call.body);
    const json: BeatResponse = await this.#dependencies.loop.beat(session, beat, call.signal);
    return { status: 200, json };
  }

  async #input({ attempt }: AgentSession, index: number, job: KeptJob | undefined): Promise<AgentReply> {
    const { files } = this.#dependencies;
    const locator = await files.inputLocator(attempt, job?.metadata.annotations?.[ANNOTATIONS.spec] ?? '', index);
    if (locator === undefined) return refusal(404, `The attempt has no input ${index}.`);
    return { status: 200, bytes: await files.openBytes(locator) };
  }

  async #log({ attempt }: AgentSession, position: number, { call, isGap }: LogPart): Promise<AgentReply> {
    const bytes = await readBounded(call.body, MAX_LOG_BYTES);
    const missing = await this.#dependencies.loop.appendLog(attempt, { position, bytes, isGap });
    if (missing === undefined) return { status: 204 };
    const json: LogConflict = { position: missing };
    return { status: 409, json };
  }

  /** After the end is recorded, a repetition succeeds: the agent may not have received the response. */
  async #end(session: AgentSession, call: AgentCall, gone: string | undefined): Promise<AgentReply> {
    const { files, loop } = this.#dependencies;
    const { attempt, podUid, round, clockOffsetMs } = session;
    if (gone !== undefined) {
      return (await files.getReport(attempt, podUid)) === undefined ? refusal(410, gone) : { status: 204 };
    }
    const end = await readEndRecord(call.body);
    const locators: Record<string, string> = {};
    for (const key of new Set(end.outputs.map((output) => output.key))) {
      const stored = await files.getOutput(attempt, podUid, key);
      if (stored === undefined) return refusal(409, `Output ${key} was not sent.`);
      locators[key] = stored.locator;
    }
    await loop.report(attempt, { podUid, round, clockOffsetMs, end, locators });
    return { status: 204 };
  }
}

/** Nothing has happened to the attempt. */
function isNew(job: KeptJob | undefined): job is KeptJob {
  if (job === undefined || job.metadata.deletionTimestamp !== undefined || job.spec.suspend === true) return false;
  return readBegun(job) === undefined && readEnd(job) === undefined && readCancel(job) === undefined;
}

function refusal(status: number, reason: string): AgentReply {
  return { status, json: { reason } };
}
