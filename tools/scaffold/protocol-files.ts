/** The files of a new protocol: a thin adapter, and the table of error codes in its format. */
import { errorCatalog } from '../../packages/api/src/error-catalog.ts';
import type { Names } from './names.ts';
import type { Scaffold } from './scaffold.ts';

export function protocolScaffold({ pascal, camel, kebab, words }: Names): Scaffold {
  const folder = `packages/server/src/protocols/${kebab}`;
  const codes = Object.keys(errorCatalog).map((code) => `  ${code}: '${code.toUpperCase()}',`);
  return {
    files: {
      [`${folder}/index.ts`]: `import { DaisError } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import { ${camel}Error } from './${kebab}-errors.ts';

/** The part of the kernel that the adapter needs. */
export interface ${pascal}Calls {
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

/** The part of the HTTP server that the adapter needs. */
interface ${pascal}Io {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
}

/** Decodes a request, calls an operation and encodes the response: no state, no SQL, no domain rule. */
export function ${camel}Adapter(calls: ${pascal}Calls) {
  return {
    name: '${kebab}',
    paths: ['/${kebab}/*'],
    perProject: true,
    access: 'checked',
    compress: true,
    register: (app: FastifyInstance, io: ${pascal}Io) => {
      app.setErrorHandler(async (error, _, reply) => {
        const { status, body } = ${camel}Error(error instanceof DaisError ? error : new DaisError('internal', ''));
        await reply.code(status).send(body);
      });
      // The server does not start if a route does not name its operation.
      const config = { operation: 'server.read' };
      app.get('/${kebab}/version', { config }, async (request, reply) => {
        const server = await calls.call('server.read', {}, io.contextOf(request, reply, '${kebab}'));
        return { version: (server as { version: string }).version };
      });
    },
  } as const;
}
`,
      [`${folder}/${kebab}-errors.ts`]: `import { errorCatalog, type DaisError, type ErrorCode } from '@dais/api';

/** The code of the protocol for each error code; exhaustive, so a new error code does not compile without one. */
const codes: Readonly<Record<ErrorCode, string>> = {
${codes.join('\n')}
};

/** Returns an error in the format of ${words}. */
export function ${camel}Error(error: DaisError): { readonly status: number; readonly body: { readonly error_code: string; readonly message: string } } {
  return {
    status: errorCatalog[error.code].status,
    body: { error_code: codes[error.code], message: error.message },
  };
}
`,
      [`${folder}/${kebab}-errors.test.ts`]: `import { DaisError, errorCatalog, type ErrorCode } from '@dais/api';
import { expect, test } from 'vitest';
import { ${camel}Error } from './${kebab}-errors.ts';

test.each(Object.keys(errorCatalog) as ErrorCode[])('%s keeps its status and its message', (code) => {
  const { status, body } = ${camel}Error(new DaisError(code, 'the case'));
  expect(status).toBe(errorCatalog[code].status);
  expect(body.message).toContain('the case');
});
`,
      [`${folder}/${kebab}.int.test.ts`]: `import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { ${camel}Adapter } from './index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ doors: (calls) => [${camel}Adapter(calls)] });
});
afterAll(async () => await fixture.stop());

test('the version is served, also below a project', async () => {
  for (const prefix of ['', '/p/default']) {
    const response = await fetch(\`\${fixture.url}\${prefix}/${kebab}/version\`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ version: '0.1.0' });
  }
});
`,
    },
    edits: {
      'packages/server/src/compose/protocols.ts': (text) => addProtocolToCompose(text, { camel, kebab }),
    },
    next: [
      `vendor the schema of the peer, pinned by version, in conformance/${kebab}, with its client in requirements.txt`,
      `test the client of the peer with a running Dais in ${folder}/${kebab}.conformance.test.ts`,
      'npm run check',
    ],
  };
}

function addProtocolToCompose(text: string, { camel, kebab }: Pick<Names, 'camel' | 'kebab'>): string {
  const list = /(export async function protocolAdapters\([^)]*\) \{\n)([\s\S]*?)( {2}return \[[^\]]*?),?\s*\];/;
  const changed = text.replace(
    list,
    (_, head: string, imports: string, doors: string) =>
      `${head}${imports}  const { ${camel}Adapter } = await import('#protocols/${kebab}/index.ts');\n${doors}, ${camel}Adapter(dependencies.calls)];`,
  );
  if (changed === text) {
    throw new Error(
      'packages/server/src/compose/protocols.ts has a form that this scaffold does not support: add the adapter by hand',
    );
  }
  return changed;
}
