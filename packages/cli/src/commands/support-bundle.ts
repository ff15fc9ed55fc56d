/** `dais support-bundle`: one archive for support. It lists its content before it writes it. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { API_VERSION, DaisError } from '@dais/api';
import type { ConfigOptions } from '#connection/config-flags.ts';
import type { Run } from '#context.ts';
import { examine } from '#doctor/examine.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { loadServer } from '#server-package.ts';
import { masker, secretVariables } from '#support/masker.ts';
import { orWhy, supportFiles } from '#support/support-files.ts';
import { tarOf } from '#support/tar.ts';

interface SupportOptions extends ConfigOptions {
  readonly to?: string;
  readonly logs?: readonly string[];
  readonly dryRun?: true;
}

const ROOT = 'dais-support';

export const run: Run<SupportOptions> = async (context, _args, options) => {
  const { environment, workingFolder, now } = context;
  const madeAt = now();
  const { findings, choice, config, folder } = await examine(context, options);
  const server = await loadServer().catch((error: unknown) => {
    if (error instanceof DaisError) return undefined;
    throw error;
  });
  const files = await supportFiles({
    choice,
    findings,
    config: config && { apiVersion: API_VERSION, kind: 'DaisConfig', spec: server?.redactConfig(config) },
    schema: await orWhy(
      async () => (config && (await server?.checkSchema(config))) ?? { failed: 'no server is running' },
    ),
    dataFolder: folder,
    logs: (options.logs ?? []).map((path) => resolve(workingFolder, path)),
    variables: environment.variables,
    now: madeAt,
  });
  const mask = masker([
    choice.token,
    environment.token,
    context.globals.token,
    ...((config && server?.configSecrets(config)) ?? []),
    ...secretVariables(environment.variables),
  ]);
  const masked = files.map(({ name, about, text }) => ({
    name,
    about: mask(about),
    bytes: Buffer.from(mask(text), 'utf8'),
  }));
  const list = masked.map(({ name, about, bytes }) => ({ name, bytes: bytes.length, about }));
  const lines = list.map(
    ({ name, bytes, about }) => `  ${name.padEnd(20)} ${String(bytes).padStart(9)} bytes  ${about}\n`,
  );
  const to = options.dryRun === true ? undefined : resolve(workingFolder, options.to ?? defaultName(madeAt));
  context.terminal.err(
    `${to === undefined ? 'It would contain' : `${to} will contain`}, with secrets replaced by ***:\n${lines.join('')}`,
  );
  if (to !== undefined) {
    const readme = {
      name: 'README.txt',
      bytes: Buffer.from(`Created by dais support-bundle.\n\n${lines.join('')}`, 'utf8'),
    };
    const archive = tarOf(
      [readme, ...masked].map(({ name, bytes }) => ({ name: `${ROOT}/${name}`, bytes })),
      madeAt,
    );
    await writeFile(to, await promisify(gzip)(archive), { mode: 0o600, flag: 'wx' }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST')
          throw new DaisError('already_exists', `${to} already exists. Choose another file with --to.`);
        throw new DaisError('invalid_request', `${to} cannot be written: ${error.message}.`, { cause: error });
      },
    );
  }
  if (!(await printedForPrograms(context, { file: to, files: list })) && to !== undefined)
    context.terminal.out(`${to}\n`);
  return exitCodes.ok.code;
};

function defaultName(now: number): string {
  return `dais-support-${new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z.tar.gz`;
}
