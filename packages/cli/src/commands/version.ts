import { DaisError, type ServerInfo } from '@dais/api';
import { chooseServer, connect } from '#connection/connect.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { printedForPrograms } from '#output/result.ts';
import { ownVersion } from '#version.ts';

export const run: Run = async (context) => {
  const { environment, globals, terminal } = context;
  const { url } = await chooseServer(environment, globals);
  const server = await readServer(async () => await (await connect(environment, { ...globals, url })).server());
  const client = ownVersion();
  const facts = { client, node: process.versions.node, url, ...(server !== undefined && { server }) };
  if (await printedForPrograms(context, facts)) return exitCodes.ok.code;
  terminal.out(`dais    ${client} (Node ${process.versions.node})\n`);
  if (server === undefined) terminal.out(`server not reachable at ${url}\n`);
  else {
    const { engine, version } = server.database;
    terminal.out(`server  ${server.version} at ${url} (${engine} PostgreSQL ${version}, ${server.mode})\n`);
  }
  return exitCodes.ok.code;
};

/** Undefined without a server, which does not fail `version`. */
async function readServer(ask: () => Promise<ServerInfo>): Promise<ServerInfo | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DaisError) return undefined;
    throw error;
  }
}
