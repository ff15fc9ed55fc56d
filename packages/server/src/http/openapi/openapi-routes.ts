import { createHash } from 'node:crypto';
import type { Operation } from '@dais/api';
import { entityTag, noneMatch } from '#http/request/conditional.ts';
import type { RouteGroup } from '#http/server/route-group.ts';
import { openApiDocument } from '#http/openapi/openapi.ts';

/** `/api/openapi.json`: built at the first request, because most processes never receive one. */
export function openApiRoutes(operations: readonly Operation[], version: string): RouteGroup {
  return {
    name: 'openapi',
    paths: ['/api/openapi.json'],
    perProject: false,
    access: 'checked',
    compress: true,
    register: (app, io) => {
      let document: { readonly text: string; readonly tag: string } | undefined;
      app.get('/api/openapi.json', { config: { operation: 'openapi' } }, async (request, reply) => {
        if (document === undefined) {
          const text = JSON.stringify(openApiDocument(operations, version, io.address));
          document = { text, tag: createHash('sha256').update(text).digest('hex').slice(0, 32) };
        }
        reply.headers({ etag: entityTag(document.tag), 'cache-control': 'private, no-cache' });
        if (noneMatch(request.headers['if-none-match'], document.tag)) return await reply.code(304).send();
        return await reply.type('application/json; charset=utf-8').send(document.text);
      });
    },
  };
}
