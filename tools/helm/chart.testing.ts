/** Renders the Helm chart, and finds what its objects refer to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { root, runCommand } from '../command.mjs';
import { helmPrograms } from '../helm.mjs';

export const CHART = join(root, 'deploy', 'helm', 'dais');

export type Json = Readonly<Record<string, unknown>>;

export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels: Labels };
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly resources: { readonly requests: Labels; readonly limits: Labels };
  readonly [field: string]: unknown;
}

export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly emptyDir?: Json;
}

/** A pod or the template of a workload. */
export interface Pod {
  /** Kind and name of its object. */
  readonly of: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly claims: readonly string[];
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly enableServiceLinks?: boolean;
    readonly terminationGracePeriodSeconds?: number;
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly securityContext?: Json;
  };
}

export interface RenderOptions {
  readonly profile?: 'trial' | 'production';
  /** Merged over the profile. */
  readonly values?: object;
  /** Default `dais`. */
  readonly release?: string;
}

/** Runs Helm with value files for a profile and for further values. */
export async function helm(
  command: readonly string[],
  { profile, values = {}, release }: RenderOptions,
): Promise<{ readonly code: number; readonly output: string }> {
  const { helm: program } = await helmPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'dais-helm-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(values));
    const files = [...(profile === undefined ? [] : [join(CHART, `values-${profile}.yaml`)]), file];
    const args = [
      ...command,
      ...(release === undefined ? [] : [release]),
      CHART,
      ...files.flatMap((path) => ['-f', path]),
    ];
    // Helm keeps caches and plug-ins in the home folder.
    const env = { HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder };
    return await runCommand(program, args, { quiet: true, env });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Returns the rendered text. @throws Error with the output of Helm */
export async function renderText(options: RenderOptions): Promise<string> {
  const { code, output } = await helm(['template', '--namespace', 'ml'], { release: 'dais', ...options });
  if (code !== 0) throw new Error(output);
  return output;
}

/** Returns the rendered objects. @throws Error with the output of Helm */
export async function render(options: RenderOptions): Promise<readonly Rendered[]> {
  return readObjects(await renderText(options));
}

function readObjects(text: string): readonly Rendered[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const object = document.toJS() as Rendered | null;
    return object === null ? [] : [object];
  });
}

/** Returns the pods that the objects create. */
export function podsOf(objects: readonly Rendered[]): readonly Pod[] {
  return objects.flatMap((object) => {
    const template = templateOf(object);
    if (template === undefined) return [];
    const { metadata, spec } = template;
    const claims = ((object['spec'] as Json)['volumeClaimTemplates'] ?? []) as readonly Rendered[];
    return [
      {
        of: `${object.kind} ${object.metadata.name}`,
        labels: metadata.labels ?? {},
        annotations: metadata.annotations ?? {},
        claims: claims.map((claim) => claim.metadata.name),
        spec,
      },
    ];
  });
}

interface Template {
  readonly metadata: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec: Pod['spec'];
}

function templateOf(object: Rendered): Template | undefined {
  const spec = object['spec'] as Json;
  switch (object.kind) {
    case 'Pod':
      return object as unknown as Template;
    case 'Deployment':
    case 'StatefulSet':
      return spec['template'] as Template;
    case 'CronJob':
      return ((spec['jobTemplate'] as Json)['spec'] as Json)['template'] as Template;
    default:
      return undefined;
  }
}

export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
