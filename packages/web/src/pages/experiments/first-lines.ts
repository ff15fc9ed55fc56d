import { shellWord } from '#kinds/cli-command.ts';

export interface FirstLinesInput {
  /** The server URL, without a trailing slash. */
  readonly server: string;
  readonly project: string;
  /** There are accounts: clients have to authenticate. */
  readonly accounts: boolean;
  /** Name of the experiment; undefined: the client's default. */
  readonly experiment?: string | undefined;
}

/** Lines for a shell that log the next training here. They name the token variable, never a token. */
export function firstLines({ server, project, accounts, experiment }: FirstLinesInput): string {
  const projectPath = project === 'default' ? '' : `/p/${encodeURIComponent(project)}`;
  return [
    `export MLFLOW_TRACKING_URI=${shellWord(`${server}${projectPath}`)}`,
    ...(accounts ? ['export MLFLOW_TRACKING_TOKEN="$DAIS_TOKEN"'] : []),
    `export MLFLOW_EXPERIMENT_NAME=${shellWord(experiment ?? 'first')}`,
    `python -c 'import mlflow; mlflow.log_metric("loss", 0.5)'`,
  ].join('\n');
}
