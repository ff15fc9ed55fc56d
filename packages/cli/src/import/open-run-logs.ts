/** Opens the files that `--from` of `dais import wandb` and `dais import tensorboard` names. */
import { resolve } from 'node:path';
import type { Context } from '#context.ts';
import { existing } from './run-logs/log-file.ts';
import { RunLogSource, type RunLogFormat } from './run-logs/run-log-source.ts';
import { TensorboardFormat } from './tensorboard/tensorboard-format.ts';
import type { TrackingSource } from './source.ts';
import { WandbFormat } from './wandb/wandb-format.ts';

export interface RunLogOptions {
  readonly from: string;
  readonly experiment: string | undefined;
}

type Open = (context: Context, options: RunLogOptions, progress: (text: string) => void) => Promise<TrackingSource>;

const opening =
  (format: (options: ConstructorParameters<typeof WandbFormat>[0]) => RunLogFormat): Open =>
  async (context, { from, experiment }, progress) => {
    const { path, isFolder } = await existing(resolve(context.workingFolder, from));
    const options = { from: path, isFolder, experiment, now: context.now, progress };
    return new RunLogSource(format(options), progress);
  };

/** @throws DaisError `not_found` */
export const openWandb: Open = opening((options) => new WandbFormat(options));

/** @throws DaisError `not_found` */
export const openTensorboard: Open = opening((options) => new TensorboardFormat(options));
