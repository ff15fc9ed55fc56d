/**
 * Determines the project of a request. Besides the URL (`/p/<project>`), clients send a namespace to list and create
 * objects, and afterwards only an id. Therefore ids returned for a namespace contain it: `team.7`.
 */
import { Readable } from 'node:stream';
import { labelNameSchema } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import { isMap, type Json } from './wire/parse.ts';

/** Fields whose values are ids, in requests and responses. */
const IDS: ReadonlySet<string> = new Set([
  'experiment_id',
  'run_id',
  'pipeline_id',
  'pipeline_version_id',
  'recurring_run_id',
]);
/** Fields that responses return as clients sent them: they contain no ids of Dais. */
const AS_SENT: ReadonlySet<string> = new Set(['pipeline_spec', 'runtime_config', 'tags']);

interface OfProject {
  /** The request without the projects in its ids. */
  readonly values: Json;
  /** Projects of the namespace and the ids. More than one is rejected when the operation is called. */
  readonly projects: readonly string[];
}

export function projectsOf(values: Json): OfProject {
  const projects = new Set<string>();
  const visit = (json: Json): Json =>
    Object.fromEntries(
      Object.entries(json).map(([name, value]) => {
        if (name === 'namespace' && typeof value === 'string' && value !== '') projects.add(value);
        if (typeof value === 'string' && IDS.has(name)) {
          const { project, id } = splitId(value);
          if (project !== undefined) projects.add(project);
          return [name, id];
        }
        return [name, isMap(value) && !AS_SENT.has(name) ? visit(value) : value];
      }),
    );
  return { values: visit(values), projects: [...projects] };
}

export function splitId(text: string): { readonly project?: string; readonly id: string } {
  const dot = text.indexOf('.');
  const project = text.slice(0, Math.max(dot, 0));
  return labelNameSchema.safeParse(project).success ? { project, id: text.slice(dot + 1) } : { id: text };
}

/** Returns the response with ids that contain their project, and with the namespace. */
export function withProject(answer: unknown, project: string): unknown {
  // Streams contain no ids.
  if (answer instanceof Readable) return answer;
  if (Array.isArray(answer)) return answer.map((one: unknown) => withProject(one, project));
  if (!isMap(answer)) return answer;
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => {
      if (IDS.has(name) && typeof value === 'string' && value !== '') return [name, `${project}.${value}`];
      return [name, AS_SENT.has(name) ? value : withProject(value, project)];
    }),
  );
}

/** Returns the call context with these projects in addition to those of the URL. */
export function inProjects(context: CallContext, projects: readonly string[]): CallContext {
  if (projects.length === 0) return context;
  const { principal, requestId, origin, client, idempotencyKey } = context;
  return {
    principal,
    requestId,
    origin,
    projects: [...context.projects, ...projects],
    ...(client !== undefined && { client }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    get signal() {
      return context.signal;
    },
  };
}
