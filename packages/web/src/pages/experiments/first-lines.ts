import { shellWord } from '#kinds/cli-command.ts';

export interface FirstLinesInput {
  /** Where the server is reached, without a slash at the end. */
  readonly server: string;
  readonly project: string;
  /** There are accounts: whoever logs has to say who they are. */
  readonly accounts: boolean;
  /** Name of the experiment; undefined: the client's default. */
  readonly experiment?: string | undefined;
}

/** What to paste into a shell, so that the next training logs here. A token is named, never written. */
export function firstLines({ server, project, accounts, experiment }: FirstLinesInput): string {
  const projectPath = project === 'default' ? '' : `/p/${encodeURIComponent(project)}`;
  return [
    `export MLFLOW_TRACKING_URI=${shellWord(`${server}${projectPath}`)}`,
    ...(accounts ? ['export MLFLOW_TRACKING_TOKEN="$DAIS_TOKEN"'] : []),
    `export MLFLOW_EXPERIMENT_NAME=${shellWord(experiment ?? 'first')}`,
    `python -c 'import mlflow; mlflow.log_metric("loss", 0.5)'`,
  ].join('\n');
}
