/** `dais target`: compute targets, the clusters where steps run. */
import { DaisError, type DaisClient, type Resource } from '@dais/api';
import type { Context, Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { changesText } from '#manifests/change-text.ts';
import { yamlDocuments } from '#output/documents.ts';
import { printedForPrograms, remark } from '#output/result.ts';
import { readLocalKubeconfig, type LocalKubeconfig } from '#targets/local-kubeconfig.ts';
import { probeTarget, type Probe } from '#targets/probe-target.ts';
import { probeText } from '#targets/probe-text.ts';
import {
  checkTargetOptions,
  secretManifest,
  secretName,
  targetManifest,
  type KubeconfigSecret,
  type TargetOptions,
} from '#targets/target-manifests.ts';

interface ProbeOptions {
  readonly pods: boolean;
}

export const addTarget: Run<TargetOptions & ProbeOptions> = async (context, [name = ''], options) => {
  checkTargetOptions(name, options);
  const { kubeconfig: file, context: chosen } = options;
  const local =
    file === undefined
      ? undefined
      : await readLocalKubeconfig(file, { context: chosen, workingFolder: context.workingFolder });
  const client = await context.connect();
  const secret = local && (await findSecret(client, secretName(name, options), local));
  const existing = await getIfExists(client, 'Target', name);
  const target = targetManifest(name, options, { secret, existing });
  const manifests = secret === undefined ? [target] : [secretManifest(name, secret), target];
  const sources = [{ file: `target ${name}`, text: await yamlDocuments(manifests) }];
  const changes = await client.apply({ sources }, { signal: context.signal });
  const forPrograms = context.globals.output === 'json' || context.globals.output === 'yaml';
  if (!forPrograms) context.terminal.out(changesText(changes, 'did', context.terminal.style));
  const probe = await probeTarget(context, client, { name, pods: options.pods });
  if (!(await printedForPrograms(context, { changes, probe }))) {
    context.terminal.out(probeText(name, probe, context.terminal.style));
    if (local !== undefined) adviseOn(context, local, probe);
  }
  return probe.ready ? exitCodes.ok.code : exitCodes.failed.code;
};

export const probe: Run<ProbeOptions> = async (context, [name = ''], { pods }) => {
  const client = await context.connect();
  const found = await probeTarget(context, client, { name, pods });
  if (!(await printedForPrograms(context, found))) {
    context.terminal.out(probeText(name, found, context.terminal.style));
  }
  return found.ready ? exitCodes.ok.code : exitCodes.failed.code;
};

async function findSecret(client: DaisClient, name: string, { text }: LocalKubeconfig): Promise<KubeconfigSecret> {
  const project = client.project ?? 'default';
  return { project, name, text, existing: await getIfExists(client, 'Secret', name) };
}

async function getIfExists(client: DaisClient, kind: string, name: string): Promise<Resource | undefined> {
  try {
    return await client.get(kind, name);
  } catch (error) {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  }
}

/** What only this command knows of a kubeconfig: the server reports its result without the file. */
function adviseOn(context: Context, { server, program, hasCopiedToken }: LocalKubeconfig, { version }: Probe): void {
  if (hasCopiedToken) {
    remark(context, 'The token was copied from its file. Run this command again before it expires.');
  }
  if (version !== undefined) return;
  if (program !== undefined) {
    remark(
      context,
      `The kubeconfig starts the program \`${program}\`. It must be installed on the server, and \`executions.kubeconfigPrograms\` of its configuration must contain it.`,
    );
  }
  if (server !== undefined && isLoopback(server)) {
    remark(
      context,
      `${server} is an address of this machine. Use an address of the cluster that the server of Dais reaches.`,
    );
  }
}

function isLoopback(server: string): boolean {
  const host = URL.canParse(server) ? new URL(server).hostname : '';
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}
