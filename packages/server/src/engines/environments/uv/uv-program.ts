/** Finds the program `uv`: the operator's, or the pinned wheel, installed once into the folder of the engine. */
import path from 'node:path';
import { DaisError } from '@dais/api';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { run } from '#lib/process.ts';
import type { IndexAddress } from '#lib/python-index/index-address.ts';
import { installedProgram, WheelError } from '#lib/python-index/pinned-wheel.ts';
import type { EnvironmentOptions } from '../contract.ts';
import type { UvRelease } from './uv-release.ts';

export interface UvProgramDependencies {
  /** Folder of all data of the engine. */
  readonly folder: string;
  /** Path of the operator's program. */
  readonly uv: string | undefined;
  readonly wheelhouse: string | undefined;
  /** Index for the wheel; undefined without an index. */
  readonly index: () => Promise<IndexAddress | undefined>;
  readonly outbound: Outbound;
  readonly release: UvRelease;
}

const REMEDY =
  'set `environments.index` (DAIS_ENVIRONMENTS_INDEX) to a mirror, `outbound.proxy` to a proxy, `environments.wheelhouse` to a folder ' +
  'that holds the wheel, or `environments.uv` to a uv of this machine';

/** @throws DaisError `invalid_config`, `upstream_failed`, `storage_full`; the reason of the signal. */
export async function findUv(dependencies: UvProgramDependencies, options: EnvironmentOptions): Promise<string> {
  const { uv, folder, release } = dependencies;
  if (uv !== undefined) {
    const { code, stderr } = await run(uv, ['--version'], { timeoutMs: 20_000 });
    if (code === 0) return uv;
    throw new DaisError('invalid_config', `environments.uv: ${uv} does not run: ${stderr.trim().slice(0, 500)}`);
  }
  const { version, wheels } = release;
  const program = {
    project: 'uv',
    version,
    wheel: wheels[`${process.platform}-${process.arch}`],
    files: [{ member: `uv-${version}.data/scripts/uv`, path: 'uv', executable: true }],
    program: 'uv',
    versionText: `uv ${version}`,
  };
  const paths = { folder: path.join(folder, 'uv', version), locks: path.join(folder, 'locks') };
  try {
    return await installedProgram(program, dependencies, paths, options);
  } catch (error) {
    throw error instanceof WheelError ? daisError(error, version) : error;
  }
}

function daisError(failure: WheelError, version: string): DaisError {
  const { kind, message } = failure;
  const cause = { cause: failure };
  switch (kind) {
    case 'platform':
      return new DaisError(
        'invalid_config',
        `${upperFirst(message)}: set the path of uv in \`environments.uv\`.`,
        cause,
      );
    case 'digest':
      return new DaisError('invalid_config', `${message}.`, cause);
    case 'program':
      return new DaisError('invalid_config', `${message}; ${REMEDY}.`, cause);
    case 'source':
      return new DaisError(
        'invalid_config',
        `uv ${version} is required to create environments, and ${message}: ${REMEDY}.`,
        cause,
      );
    case 'disk':
      return new DaisError('storage_full', `${upperFirst(message)}.`, cause);
    default:
      return new DaisError(
        'upstream_failed',
        `uv ${version} is required to create environments: ${message}; ${REMEDY}.`,
        cause,
      );
  }
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
