/** A cluster with one real node, which has the image of the Containerfile, and a namespace that enforces `restricted`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startNodeCluster, type NodeCluster } from '../../conformance/kubernetes/node-cluster.ts';
import { runCommand } from '../command.mjs';
import { helmPrograms } from '../helm.mjs';
import { TestImage } from '../image.testing.ts';
import { helm, type RenderOptions } from './chart.testing.ts';

const NODE = 'node1';

export class ChartCluster {
  readonly namespace: string;
  readonly cluster: NodeCluster;
  readonly #folder: string;
  readonly #kubectl: string;

  private constructor(cluster: NodeCluster, folder: string, namespace: string, kubectl: string) {
    this.cluster = cluster;
    this.#folder = folder;
    this.namespace = namespace;
    this.#kubectl = kubectl;
  }

  /** Builds the image, which takes minutes if its layers are not kept. `folder` is for volumes. */
  static async start(folder: string, namespace: string): Promise<ChartCluster> {
    const { kubectl } = await helmPrograms();
    const archive = join(folder, 'image.tar');
    const image = await TestImage.build();
    try {
      await image.save(archive);
    } finally {
      await image.remove();
    }
    const node = await startNodeCluster();
    const cluster = new ChartCluster(node, folder, namespace, kubectl);
    try {
      await node.runtime.importImage(archive);
      const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
      return cluster;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
  }

  /** Runs kubectl in the namespace. @throws Error with its output and the state of the pods */
  async kubectl(...args: readonly string[]): Promise<string> {
    const run = async (words: readonly string[]) =>
      await runCommand(this.#kubectl, ['--namespace', this.namespace, ...words], {
        quiet: true,
        env: { KUBECONFIG: this.cluster.controlPlane.kubeconfigFile },
      });
    const { code, output } = await run(args);
    if (code === 0) return output;
    throw new Error(`kubectl ${args.join(' ')}:\n${output}\n${(await run(['describe', 'pods'])).output.slice(-6000)}`);
  }

  async apply(object: object): Promise<void> {
    const file = join(this.#folder, 'object.yaml');
    writeFileSync(file, stringify(object));
    await this.kubectl('apply', '--filename', file);
  }

  /** Installs or upgrades the release `dais`. @throws Error with the output of Helm */
  async release(command: 'install' | 'upgrade', { profile, values }: RenderOptions): Promise<void> {
    const flags = ['--kubeconfig', this.cluster.controlPlane.kubeconfigFile, '--namespace', this.namespace];
    const image = { tag: 'test', pullPolicy: 'Never' };
    const options = { release: 'dais', ...(profile !== undefined && { profile }), values: { image, ...values } };
    const { code, output } = await helm([command, ...flags], options);
    if (code !== 0) throw new Error(output);
  }

  /** Returns the release `dais` to its previous revision. @throws Error with the output of Helm */
  async rollback(): Promise<void> {
    const { helm: program } = await helmPrograms();
    const flags = ['--kubeconfig', this.cluster.controlPlane.kubeconfigFile, '--namespace', this.namespace];
    const { code, output } = await runCommand(program, ['rollback', 'dais', ...flags], { quiet: true });
    if (code !== 0) throw new Error(output);
  }

  /** Creates a volume for a claim, as a new file system: of root, with a folder that only root can read. Returns its folder. */
  async createVolume(name: string, storage: string, claim: string): Promise<string> {
    const path = join(this.#folder, name);
    mkdirSync(join(path, 'lost+found'), { recursive: true, mode: 0o700 });
    const matchExpressions = [{ key: 'kubernetes.io/hostname', operator: 'In', values: [NODE] }];
    await this.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        capacity: { storage },
        accessModes: ['ReadWriteOnce'],
        claimRef: { namespace: this.namespace, name: claim },
        local: { path },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      },
    });
    return path;
  }
}
