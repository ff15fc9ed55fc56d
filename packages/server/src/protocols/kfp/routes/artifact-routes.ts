/** Serves output artifacts and logs of tasks, streamed as Base64 in JSON. */
import { Readable } from 'node:stream';
import { readExecutionFileOperation } from '@dais/api/executions';
import type { FastifyInstance } from 'fastify';
import type { Download } from '#kernel/content/download.ts';
import { addressOf } from '../route-table.ts';
import type { RespondFor } from '../route.ts';
import { requireNode, requireRun } from './run-routes.ts';
import { isLogArtifact, taskLog } from './task-log.ts';
import { RpcError } from '../wire/rpc-status.ts';

/** For the table of endpoints. */
export const artifactEndpoint = {
  method: 'GET',
  path: '/runs/{run_id}/nodes/{node_id}/artifacts/{artifact_name}:read',
  operation: readExecutionFileOperation.name,
} as const;

export function addArtifacts(app: FastifyInstance, respond: RespondFor): void {
  app.route({
    method: artifactEndpoint.method,
    url: addressOf(artifactEndpoint),
    config: { operation: artifactEndpoint.operation },
    handler: async (request, reply) => {
      const {
        node_id: node = '',
        artifact_name: name = '',
        run_id,
      } = request.params as Readonly<Record<string, string>>;
      return await respond(request, reply)({ run_id }, async (values, call) => {
        const run = await requireRun(String(values['run_id']), call);
        const found = await requireNode(run, node, call);
        const value = Object.hasOwn(found.outputs, name) ? found.outputs[name] : undefined;
        const [file] = value === undefined || !('files' in value) ? [] : value.files;
        if (file === undefined && isLogArtifact(name)) {
          const log = taskLog(run, found, call);
          // Errors of the first page still have a status of their own.
          const first = await log.next();
          return Readable.from(inJson(joined(first, log)));
        }
        if (file === undefined) throw new RpcError('NOT_FOUND', `artifact not found: ${name.slice(0, 100)}`);
        // Metrics have no file: components store them in the metadata.
        if (file.files === 0 && Object.keys(file.metadata ?? {}).length > 0) {
          return { data: Buffer.from(JSON.stringify(file.metadata)).toString('base64') };
        }
        const download = (await call(
          readExecutionFileOperation,
          { id: file.run, name: file.prefix },
          {
            not_found: () =>
              new RpcError(
                'FAILED_PRECONDITION',
                `The artifact ${name} is a folder. Read its files through /api/v1/executions`,
              ),
            content_missing: () => new RpcError('NOT_FOUND', `artifact not found: ${name}`),
          },
        )) as unknown as Download;
        return Readable.from(inJson(await download.open()));
      });
    },
  });
}

async function* joined<T>(first: IteratorResult<T, undefined>, rest: AsyncIterable<T>): AsyncIterable<T> {
  if (first.done !== true) yield first.value;
  yield* rest;
}

async function* inJson(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  yield '{"data":"';
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const all = Buffer.concat([rest, chunk]);
    // Base64 encodes groups of three bytes.
    const whole = all.length - (all.length % 3);
    yield all.toString('base64', 0, whole);
    rest = all.subarray(whole);
  }
  yield `${rest.toString('base64')}"}`;
}
