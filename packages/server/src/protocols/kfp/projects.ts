/**
 * Which project a request is of. Beside the address (`/p/<project>`), clients name a namespace in lists and where
 * something is made, and only an id afterwards: ids that were given out for a namespace carry it, `team.7`.
 */
import { Readable } from 'node:stream';
import { labelNameSchema } from '@dais/api';
import type { CallContext } from '#kernel/context.ts';
import { isMap, type Json } from './wire/parse.ts';

/** Fields whose values are ids, in requests and in answers. */
const IDS: ReadonlySet<string> = new Set([
  'experiment_id',
  'run_id',
  'pipeline_id',
  'pipeline_version_id',
  'recurring_run_id',
]);
/** Answers hold these as clients sent them: nothing inside is an id of ours. */
const AS_SENT: ReadonlySet<string> = new Set(['pipeline_spec', 'runtime_config', 'tags']);

interface OfProject {
  /** Without the projects that ids carry. */
  readonly values: Json;
  /** That the namespace or ids name; more than one is refused where the operation is called. */
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

/** The answer with ids that name their project, and the namespace where there is one to tell. */
export function withProject(answer: unknown, project: string): unknown {
  // What streams holds no ids.
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

/** The same call, for these projects beside those that the address names. */
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
