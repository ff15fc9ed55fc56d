/** The Feast feature server: online reads, pushes and materializations over HTTP, for the project of the URL. */
import { DaisError } from '@dais/api';
import { materializeFeaturesOperation, pushFeaturesOperation, readFeaturesOperation } from '@dais/api/data';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { FeastError, toFeastError, invalid, notFound, rpc } from '../feast-errors.ts';
import type { FeastDependencies, KnownView } from '../feast-calls.ts';
import { nameOfSource, viewFields } from '../registry/apply-object.ts';
import { feastProject } from '../projects.ts';
import { featureService, featureView, streamFeatureView } from '../registry/objects.ts';
import { registryProject, type RegistryProject } from '../registry/registry-calls.ts';
import { Message } from '../wire/message.ts';
import { framed, momentText, type Frame } from './frame.ts';
import { ended, startMaterializations, runningViews, viewsToMaterialize, type Window } from './materialize.ts';
import {
  incrementalRequest,
  materializeRequest,
  onlineRequest,
  pushRequest,
  readRequest,
  writeRequest,
} from './requests.ts';
import { responseJson } from './response-json.ts';

/** The interface of the HTTP server that this adapter needs. */
interface ServingIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readBody(payload: FastifyRequest['raw']): Promise<Buffer>;
}

interface FeastRequest {
  readonly body: Buffer;
  readonly query: Readonly<Record<string, unknown>>;
  readonly project: RegistryProject;
  readonly context: CallContext;
}

interface Answer {
  readonly status: number;
  /** JSON; empty for none. */
  readonly text: string;
}

const ORIGIN = 'feast';
const JSON_TYPE = 'application/json';
/** Values of `DataSource.SourceType`. */
const PUSH_SOURCE = 9;

/** Routes of the feature server, as data. */
export const servedPaths = [
  { path: '/get-online-features', operation: readFeaturesOperation.name },
  { path: '/push', operation: pushFeaturesOperation.name },
  { path: '/write-to-online-store', operation: pushFeaturesOperation.name },
  { path: '/materialize', operation: materializeFeaturesOperation.name },
  { path: '/materialize-incremental', operation: materializeFeaturesOperation.name },
] as const;
type ServedPath = (typeof servedPaths)[number]['path'];

export function feastDoor({ calls, log, clock }: FeastDependencies & { readonly clock: Clock }) {
  const known = new Set(calls.operations.map(({ name }) => name));
  const answers: Readonly<Record<ServedPath, (requested: FeastRequest) => Promise<Answer>>> = {
    '/get-online-features': readOnline,
    '/push': push,
    '/write-to-online-store': writeOnline,
    '/materialize': materializing(clock, windowOf),
    '/materialize-incremental': materializing(clock, windowTo),
  };
  return {
    name: 'feast',
    paths: servedPaths.map(({ path }) => path),
    perProject: true,
    access: 'checked',
    dispatched: true,
    compress: true,
    register: (app: FastifyInstance, io: ServingIo) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        async (_request: FastifyRequest, payload: FastifyRequest['raw']) => await io.readBody(payload),
      );
      app.setErrorHandler(async (error, request, reply) => await sendError(error, request, reply, log));
      for (const { path, operation } of servedPaths) {
        if (!known.has(operation)) continue;
        app.post(path, { config: { operation } }, async (request, reply) => {
          const context = io.contextOf(request, reply, ORIGIN);
          const { status, text } = await answers[path]({
            body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
            query: request.query as Readonly<Record<string, unknown>>,
            project: registryProject(calls, context, feastProject(context.projects[0] ?? '')),
            context,
          });
          return text === '' ? await reply.code(status).send() : await reply.code(status).type(JSON_TYPE).send(text);
        });
      }
    },
  } as const;
}

async function readOnline({ body, project }: FeastRequest): Promise<Answer> {
  const requested = readRequest(onlineRequest, body);
  const service = requested.feature_service ?? '';
  if (service === '' && requested.features.length === 0) throw invalid('Specify `features` or a `feature_service`.');
  for (const feature of requested.features) {
    if (!feature.includes(':'))
      throw invalid(`"${feature.slice(0, 200)}" is not a feature reference. Use \`view:feature\`.`);
  }
  try {
    const read = await project.call(readFeaturesOperation, {
      ...(service === '' ? { features: requested.features } : { service }),
      entities: requested.entities,
      fullNames: requested.full_feature_names,
    });
    return { status: 200, text: responseJson(read, requested.include_feature_view_version_metadata) };
  } catch (error) {
    throw await missingViewOf(error, project, service, requested.features);
  }
}

/** Clients raise the class that the error contains. */
async function missingViewOf(
  error: unknown,
  { call, name: project }: RegistryProject,
  service: string,
  features: readonly string[],
): Promise<unknown> {
  if (!(error instanceof DaisError) || error.code !== 'not_found') return error;
  if (service !== '') {
    const known = await call.find('featureService.get', { name: service });
    return known === undefined
      ? notFound(featureService.missing, `Feature service ${service} does not exist${within(project)}`)
      : error;
  }
  for (const name of new Set(features.map((feature) => feature.slice(0, feature.lastIndexOf(':'))))) {
    if ((await call.find('featureView.get', { name })) === undefined) {
      return notFound(featureView.missing, `Feature view ${name} does not exist${within(project)}`);
    }
  }
  return error;
}

function within(project: string): string {
  return project === '' ? '' : ` in project ${project}`;
}

async function push({ body, project }: FeastRequest): Promise<Answer> {
  const { push_source_name: source, df, to } = readRequest(pushRequest, body);
  const names: string[] = [];
  const referring = await project.list({ refersTo: `dataSource:${source}` });
  for (const object of [featureView, streamFeatureView]) {
    for (const definition of referring.filter(({ type }) => type === object.type)) {
      const spec = new Message(Buffer.from(definition.body, 'base64')).message(1);
      const { streamSource } = viewFields(object, spec);
      if (
        streamSource !== undefined &&
        streamSource.number(1) === PUSH_SOURCE &&
        nameOfSource(streamSource) === source
      ) {
        names.push(definition.name);
      }
    }
  }
  if (names.length === 0) {
    throw new FeastError('PushSourceNotFoundException', `Unable to find push source '${source}'.`, rpc.notFound, 422);
  }
  for (const name of names) await pushTo(project, name, df, to === 'online_and_offline' ? 'both' : to);
  return { status: 200, text: '' };
}

async function writeOnline({ body, project }: FeastRequest): Promise<Answer> {
  const { feature_view_name: name, df } = readRequest(writeRequest, body);
  await pushTo(project, name, df, 'online');
  return { status: 200, text: 'null' };
}

interface KnownEntity {
  readonly spec: { readonly joinKey?: string };
}

async function pushTo(
  project: RegistryProject,
  name: string,
  df: Frame,
  to: 'online' | 'offline' | 'both',
): Promise<void> {
  const view = (await project.call.find('featureView.get', { name })) as KnownView | undefined;
  if (view === undefined)
    throw notFound(featureView.missing, `Feature view ${name} does not exist${within(project.name)}`);
  const joinKeys = [];
  for (const entity of view.spec.entities ?? []) {
    const known = (await project.call.find('entity.get', { name: entity })) as KnownEntity | undefined;
    joinKeys.push(known?.spec.joinKey ?? entity);
  }
  await project.call(pushFeaturesOperation, { view: name, rows: framed(df, view.spec, joinKeys), to });
}

type ReadWindow = (body: Buffer) => { readonly window: Window; readonly views: readonly string[] | undefined };

function windowOf(body: Buffer): ReturnType<ReadWindow> {
  const requested = readRequest(materializeRequest, body);
  refuseVersion(requested.version);
  if (requested.disable_event_timestamp) {
    throw invalid(
      'The event times of the rows are required to determine the newest value. Omit `disable_event_timestamp`.',
    );
  }
  const [start, end] = [requested.start_ts, requested.end_ts];
  if (start === undefined || start === null || end === undefined || end === null) {
    throw invalid('start_ts and end_ts are required.');
  }
  return {
    window: { mode: 'full', start: momentText(start, 'start_ts') ?? '', end: momentText(end, 'end_ts') ?? '' },
    views: requested.feature_views ?? undefined,
  };
}

function windowTo(body: Buffer): ReturnType<ReadWindow> {
  const requested = readRequest(incrementalRequest, body);
  refuseVersion(requested.version);
  return {
    window: { mode: 'incremental', end: momentText(requested.end_ts, 'end_ts') ?? '' },
    views: requested.feature_views ?? undefined,
  };
}

function refuseVersion(version: string | null | undefined): void {
  if (version === undefined || version === null) return;
  throw invalid(
    'Online reads do not support versions of a view. Omit `version`, or give the other version its own name.',
  );
}

function materializing(clock: Clock, read: ReadWindow) {
  return async ({ body, query, project, context }: FeastRequest): Promise<Answer> => {
    const { window, views } = read(body);
    const names = await viewsToMaterialize(project, views);
    const busy = await runningViews(project, names);
    if (busy.length > 0) return { status: 409, text: conflict(busy) };
    const started = await startMaterializations(project, names, window);
    if (query['async'] === 'true' || query['async'] === '1') {
      return { status: 202, text: JSON.stringify({ status: 'accepted', feature_views: names }) };
    }
    await ended(project, started, { clock, signal: context.signal });
    return { status: 200, text: 'null' };
  };
}

function conflict(views: readonly string[]): string {
  const error = `These feature views are already being materialized: ${views.join(', ')}. Wait until the materialization ends.`;
  return JSON.stringify({ error, feature_views: views });
}

async function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<void> {
  const failure = clientErrorOf(error);
  if (failure === undefined) log.error('a request failed', { error, requestId: request.id });
  const answer =
    failure ?? new FeastError('FeastError', `Internal server error. Request id: ${request.id}`, rpc.internal, 500);
  if (error instanceof DaisError && error.retryable) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfter ?? 1))));
  }
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="dais"');
  // The rest of the request body can still be in transit.
  if (answer.status === 413 || answer.status === 408) reply.header('connection', 'close');
  // Encoded twice: the body is a JSON string that contains JSON.
  await reply.code(answer.status).type(JSON_TYPE).send(JSON.stringify(answer.detail()));
}

function clientErrorOf(error: unknown): FeastError | undefined {
  if (error instanceof FeastError) return error;
  if (error instanceof DaisError) return toFeastError(error);
  // Errors of the HTTP framework for malformed requests.
  const { statusCode: status, message } = error as { statusCode?: number; message?: string };
  if (status === undefined || status < 400 || status >= 500) return undefined;
  return new FeastError('FeastError', message ?? 'Bad Request.', rpc.invalidArgument, status, error);
}
