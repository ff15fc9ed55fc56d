/** The files of a new protocol: a thin door, and the table that puts every error code into its own form. */
import { errorCatalog } from '../../packages/api/src/errors.ts';
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

/** The part of the kernel that this door needs. */
export interface ${pascal}Calls {
  call(name: string, input: unknown, context: CallContext): Promise<unknown>;
}

/** The part of the HTTP server that this door needs. */
interface ${pascal}Io {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
}

/** Decodes, calls an operation, encodes: no state, no SQL, no rule of the domain. */
export function ${camel}Door(calls: ${pascal}Calls) {
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
      // The start fails when a route does not say which operation it asks for.
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

/** Every code has its word here; a new code does not compile until it has one too. */
const words: Readonly<Record<ErrorCode, string>> = {
${codes.join('\n')}
};

/** A failure in the form that clients of ${words} understand. */
export function ${camel}Error(error: DaisError): { readonly status: number; readonly body: { readonly error_code: string; readonly message: string } } {
  return {
    status: errorCatalog[error.code].status,
    body: { error_code: words[error.code], message: error.message },
  };
}
`,
      [`${folder}/${kebab}-errors.test.ts`]: `import { DaisError, errorCatalog, type ErrorCode } from '@dais/api';
import { expect, test } from 'vitest';
import { ${camel}Error } from './${kebab}-errors.ts';

test.each(Object.keys(errorCatalog) as ErrorCode[])('%s keeps its status and says what was wrong', (code) => {
  const { status, body } = ${camel}Error(new DaisError(code, 'the case'));
  expect(status).toBe(errorCatalog[code].status);
  expect(body.message).toContain('the case');
});
`,
      [`${folder}/${kebab}.int.test.ts`]: `import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { ${camel}Door } from './index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ doors: (calls) => [${camel}Door(calls)] });
});
afterAll(async () => await fixture.stop());

test('it answers, also below a project', async () => {
  for (const prefix of ['', '/p/default']) {
    const answer = await fetch(\`\${fixture.url}\${prefix}/${kebab}/version\`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ version: '0.1.0' });
  }
});
`,
    },
    edits: {
      'packages/server/src/compose/protocols.ts': (text) => addProtocolToCompose(text, { camel, kebab }),
      // With its first door the zone is there.
      'tools/arrows.ts': (text) =>
        text.replace(/(zone: 'protocols\/<p>',(?:(?!zone: )[\s\S])*?)\n\s*planned: '[^']*',/, '$1'),
    },
    next: [
      `vendor the peer’s schema, pinned by version, below conformance/${kebab}, with its client in requirements.txt`,
      `${folder}/${kebab}.conformance.test.ts: the peer’s own client against a running Dais`,
      'npm run check',
    ],
  };
}

function addProtocolToCompose(text: string, { camel, kebab }: Pick<Names, 'camel' | 'kebab'>): string {
  const list = /(export async function protocolAdapters\([^)]*\) \{\n)([\s\S]*?)( {2}return \[[^\]]*?),?\s*\];/;
  const changed = text.replace(
    list,
    (_, head: string, imports: string, doors: string) =>
      `${head}${imports}  const { ${camel}Door } = await import('#protocols/${kebab}/index.ts');\n${doors}, ${camel}Door(parts.calls)];`,
  );
  if (changed === text) {
    throw new Error(
      'packages/server/src/compose/protocols.ts has a form that this scaffold does not know: add the door by hand',
    );
  }
  return changed;
}
