/** A separate project for each test, with helpers for its Parts. */
import { DaisError, type Change, type Resource, type Revision } from '@dais/api';
import { manifest, type TestKernel } from './test-kernel.ts';

let made = 0;

/** A name that no other test of this process has. */
export function freshName(): string {
  made += 1;
  return `p${made}`;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string;
  readonly resourceVersion: string;
}

export type TestProject = Awaited<ReturnType<typeof freshProject>>;

export async function freshProject(dais: TestKernel, spec: object = {}) {
  const name = freshName();
  await dais.call('project.create', { manifest: manifest('Project', name, spec) });
  const context = { projects: [name] };
  const call = <Output = Resource>(verb: string, input: unknown) => dais.call<Output>(`part.${verb}`, input, context);
  const version = (resourceVersion: string | undefined) => (resourceVersion === undefined ? {} : { resourceVersion });
  return {
    name,
    context,
    call,
    create: (part: string, spec: object = {}, metadata: object = {}) =>
      call('create', { manifest: manifest('Part', part, spec, metadata) }),
    update: (part: string, spec: object = {}, metadata: object = {}, resourceVersion?: string) =>
      call('update', {
        name: part,
        manifest: manifest('Part', part, spec, metadata),
        ...version(resourceVersion),
      }),
    get: (part: string) => call('get', { name: part }),
    remove: (part: string, resourceVersion?: string) => call('delete', { name: part, ...version(resourceVersion) }),
    list: (input: object = {}) => call<Page<Resource>>('list', input),
    names: async (input: object = {}) =>
      (await call<Page<Resource>>('list', { limit: 1000, ...input })).items.map((item) => item.metadata.name),
    history: (part: string, input: object = {}) => call<Page<Revision>>('history', { name: part, ...input }),
    apply: (documents: string | readonly object[], options: object = {}) => dais.apply(documents, options, context),
    plan: (documents: string | readonly object[], options: object = {}) => dais.plan(documents, options, context),
  };
}

/** Returns the names of all resources of a kind in a project, or in the organization. */
export async function namesIn(dais: TestKernel, noun: string, project?: string): Promise<string[]> {
  const context = project === undefined ? {} : { projects: [project] };
  const { items } = await dais.call<Page<Resource>>(`${noun}.list`, { limit: 1000 }, context);
  return items.map((item) => item.metadata.name);
}

/** `create Part/a`, `update Part/b spec.size`: what happens, in a line each. */
export function lines(changes: readonly Change[]): string[] {
  return changes.map(({ action, kind, name, fields }) =>
    [action, `${kind}/${name}`, ...fields.map((field) => field.path)].join(' '),
  );
}

/** Returns the DaisError of a call. Throws if the call succeeds, or fails with another error. */
export async function errorOf(work: Promise<unknown>): Promise<DaisError> {
  const error = await work.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (error instanceof DaisError) return error;
  throw error;
}
