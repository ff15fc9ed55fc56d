import { API_VERSION } from '@dais/api';
import { configFlags, type ConfigOptions } from '#connection/config-flags.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { jsonText, yamlText } from '#output/documents.ts';
import { loadServer } from '#server-package.ts';

export const run: Run<ConfigOptions> = async (context, _args, options) => {
  const { loadConfig, redactConfig } = await loadServer();
  const config = await loadConfig({ file: options.config, flags: configFlags(options) });
  const manifest = { apiVersion: API_VERSION, kind: 'DaisConfig', spec: redactConfig(config) };
  context.terminal.out(context.globals.output === 'json' ? jsonText(manifest) : await yamlText(manifest));
  return exitCodes.ok.code;
};
