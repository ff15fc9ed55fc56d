/** A real `mlflow server`, filled by its own client, and a Dais that imports its content. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { startMlflowServer, type MlflowServer } from '../../../../conformance/mlflow/mlflow-server.ts';

/** In ms: a server of Python, its client and three downloads of everything, on a busy machine. */
export const PATIENCE = 900_000;

export interface Report {
  readonly found: Readonly<Record<string, number>>;
  readonly written: Readonly<Record<string, number>>;
  readonly problems: readonly object[];
}

/** The content of the server. */
export const ALL = {
  experiments: 4,
  runs: 13,
  loggedModels: 3,
  traces: 5,
  models: 4,
  versions: 6,
  aliases: 2,
  evaluationDatasets: 2,
  scorers: 2,
};
export const NOTHING = Object.fromEntries(Object.keys(ALL).map((name) => [name, 0]));

export interface MlflowSource {
  readonly dais: CliFixture;
  readonly mlflow: MlflowServer;
  readonly folder: string;
  imported(...words: string[]): Promise<Report>;
  /** Compares the server with another one through MLflow's client. */
  differences(to: string): Promise<object>;
  stop(): Promise<void>;
}

export async function startMlflowSource(): Promise<MlflowSource> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-mlflow-source-'));
  const [dais, mlflow] = await Promise.all([CliFixture.start(), startMlflowServer(folder)]);
  await mlflow.python('transfer_fill.py', [], { MLFLOW_TRACKING_URI: mlflow.url });
  const text = 'apiVersion: dais.dev/v1\nkind: Project\nmetadata: { name: copied }\nspec: {}\n';
  const { code, err } = await dais.run(['apply', '-f', '-'], { stdin: text });
  if (code !== 0) throw new Error(err);
  return {
    dais,
    mlflow,
    folder,
    imported: async (...words) => {
      const end = await dais.run(['import', 'mlflow', '-q', '-o', 'json', ...words]);
      expect(end.err).toBe('');
      return JSON.parse(end.out) as Report;
    },
    differences: async (to) =>
      JSON.parse(await mlflow.python('transfer_compare.py', [mlflow.url, to, 'ids'])) as object,
    stop: async () => {
      await Promise.all([dais.stop(), mlflow.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
