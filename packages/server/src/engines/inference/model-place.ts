/** Finds a model's description below its folder. Links that lead out of the folder are refused. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api/errors';
import { parseLimitedYaml } from '#lib/formats/yaml-documents.ts';
import type { ModelFiles } from './contract.ts';

export type ModelPlace =
  | { readonly type: 'file'; readonly folder: string; readonly file: string }
  /** `root`: the folder of `MLmodel`; `description`: what that says. */
  | { readonly type: 'mlmodel'; readonly folder: string; readonly root: string; readonly description: MlmodelFile };

export type MlmodelFile = Readonly<Record<string, unknown>>;

/** An `MLmodel` is a few KB, more when its signature has thousands of columns. */
const LONGEST_DESCRIPTION = 16 * 1024 * 1024;

/** All of it is real: no links. @throws DaisError `invalid_request` */
export async function findModel({ folder, path: below }: ModelFiles): Promise<ModelPlace> {
  const real = await realpath(folder).catch(() => refuse(`There is no folder ${folder}.`));
  if (below !== undefined) {
    const place = await placeInside(real, below);
    if ((await stat(place)).isDirectory()) return await mlmodel(real, place);
    return { type: 'file', folder: real, file: place };
  }
  const names = await readdir(real);
  if (names.includes('MLmodel')) return await mlmodel(real, real);
  const [only, another] = names.filter((name) => name.endsWith('.onnx'));
  if (only === undefined)
    refuse('The folder holds neither `MLmodel` nor a `.onnx` file: name the file or folder of the model.');
  if (another !== undefined) refuse(`The folder holds \`${only}\`, \`${another}\` and perhaps more: name one of them.`);
  return { type: 'file', folder: real, file: await placeInside(real, only) };
}

/** The real place of a path that a file of the model names. @throws DaisError `invalid_request` when it lies outside. */
export async function placeInside(realFolder: string, below: string): Promise<string> {
  const parts = below.split('/');
  if (below === '' || path.isAbsolute(below) || /[\0\\]|^[a-z]+:/i.test(below) || parts.includes('..')) {
    refuse(`The path ${JSON.stringify(below)} leaves the model's folder: use a relative one without \`..\`.`);
  }
  const place = await realpath(path.join(realFolder, below)).catch(() => refuse(`The model has no file \`${below}\`.`));
  if (place !== realFolder && !place.startsWith(realFolder + path.sep)) {
    refuse(`\`${below}\` is a link that leads out of the model's folder.`);
  }
  return place;
}

async function mlmodel(folder: string, root: string): Promise<ModelPlace> {
  const file = await placeInside(root, 'MLmodel');
  if ((await stat(file)).size > LONGEST_DESCRIPTION) refuse('The file `MLmodel` is larger than 16 MiB.');
  let description: unknown;
  try {
    description = parseLimitedYaml(await readFile(file, 'utf8'), { aliases: 100 });
  } catch (error) {
    refuse(`The file \`MLmodel\` is no YAML: ${(error as Error).message}`);
  }
  if (typeof description !== 'object' || description === null) refuse('The file `MLmodel` describes nothing.');
  return { type: 'mlmodel', folder, root, description: description as MlmodelFile };
}

function refuse(detail: string): never {
  throw new DaisError('invalid_request', detail);
}
