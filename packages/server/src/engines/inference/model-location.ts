/** Finds the description of a model below its folder. Rejects links out of the folder. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import type { ModelFiles } from './contract.ts';

export type ModelLocation =
  | { readonly type: 'file'; readonly folder: string; readonly file: string }
  /** `root`: the folder of `MLmodel`; `description`: its content. */
  | { readonly type: 'mlmodel'; readonly folder: string; readonly root: string; readonly description: MlmodelFile };

export type MlmodelFile = Readonly<Record<string, unknown>>;

/** An `MLmodel` is a few KB, more when its signature has thousands of columns. */
const LONGEST_DESCRIPTION = 16 * 1024 * 1024;

/** All paths are resolved: no links. @throws DaisError `invalid_request` */
export async function findModel({ folder, path: below }: ModelFiles): Promise<ModelLocation> {
  const real = await realpath(folder).catch(() => refuse(`The folder ${folder} does not exist.`));
  if (below !== undefined) {
    const path = await resolveInside(real, below);
    if ((await stat(path)).isDirectory()) return await mlmodel(real, path);
    return { type: 'file', folder: real, file: path };
  }
  const names = await readdir(real);
  if (names.includes('MLmodel')) return await mlmodel(real, real);
  const [only, another] = names.filter((name) => name.endsWith('.onnx'));
  if (only === undefined)
    refuse('The folder contains neither `MLmodel` nor an `.onnx` file. Set the path of the model file or folder.');
  if (another !== undefined)
    refuse(
      `The folder contains several models, for example \`${only}\` and \`${another}\`. Set the path of one of them.`,
    );
  return { type: 'file', folder: real, file: await resolveInside(real, only) };
}

/** Resolves a path in a file of the model. @throws DaisError `invalid_request` when it is outside the folder. */
export async function resolveInside(realFolder: string, below: string): Promise<string> {
  const parts = below.split('/');
  if (below === '' || path.isAbsolute(below) || /[\0\\]|^[a-z]+:/i.test(below) || parts.includes('..')) {
    refuse(`The path ${JSON.stringify(below)} is outside the model's folder. Use a relative path without \`..\`.`);
  }
  const location = await realpath(path.join(realFolder, below)).catch(() =>
    refuse(`The model has no file \`${below}\`.`),
  );
  if (location !== realFolder && !location.startsWith(realFolder + path.sep)) {
    refuse(`\`${below}\` is a link that points outside the model's folder.`);
  }
  return location;
}

async function mlmodel(folder: string, root: string): Promise<ModelLocation> {
  const file = await resolveInside(root, 'MLmodel');
  if ((await stat(file)).size > LONGEST_DESCRIPTION) refuse('The file `MLmodel` is larger than 16 MiB.');
  let description: unknown;
  try {
    description = parseLimitedYaml(await readFile(file, 'utf8'), { aliases: 100 });
  } catch (error) {
    refuse(`The file \`MLmodel\` is not valid YAML: ${(error as Error).message}`);
  }
  if (typeof description !== 'object' || description === null)
    refuse('The file `MLmodel` contains no description of a model.');
  return { type: 'mlmodel', folder, root, description: description as MlmodelFile };
}

function refuse(detail: string): never {
  throw new DaisError('invalid_request', detail);
}
