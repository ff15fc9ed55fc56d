/** Generates the OpenAPI 3.1 document of the native API from the operations. */
import { errorCatalog, unwrapSchema, type Operation } from '@dais/api';
import { z } from 'zod';
import { ComponentSchemas, type JsonSchema } from '#http/openapi/openapi-components.ts';
import type { PublicAddress } from '#http/server/public-address.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

const PROBLEM = 'application/problem+json';

export function openApiDocument(
  operations: readonly Operation[],
  version: string,
  address: PublicAddress,
): Record<string, unknown> {
  const components = new ComponentSchemas();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    if (operation.mode === 'watch') continue;
    const { method, path } = operation.http;
    const stream = operations.find(
      (other) => other.mode === 'watch' && other.http.method === method && other.http.path === path,
    );
    const at = path.replaceAll(/:(\w+)/g, '{$1}');
    paths[at] = { ...paths[at], [method.toLowerCase()]: describeOperation(operation, stream, components) };
  }
  components.add('Problem', problemSchema());
  const base = address.origin === undefined ? '' : `${address.origin}${address.basePath}`;
  return {
    openapi: '3.1.0',
    info: {
      title: 'Dais',
      version,
      summary: 'The native REST API of Dais.',
      description:
        'Every error is a problem document (RFC 9457) with a code of a closed catalog. Lists are paginated with opaque cursors; ' +
        'an ETag is the version of a resource. All paths also exist below `/p/{project}`, which selects the project.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      { url: base === '' ? '/' : base, description: 'The project `default`, or the project of the token.' },
      {
        url: `${base}/p/{project}`,
        description: 'Another project.',
        variables: { project: { default: 'default', description: 'Name of the project.' } },
      },
    ],
    // The owner on the same machine needs no token.
    security: [{ token: [] }, {}],
    tags: tagsOf(operations),
    paths,
    components: {
      schemas: components.schemas,
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: 'A token of an account, or the owner token: `owner-token` in the data folder.',
        },
      },
    },
  };
}

function describeOperation(
  operation: Operation,
  stream: Operation | undefined,
  components: ComponentSchemas,
): Record<string, unknown> {
  const { http } = operation;
  const input = fieldsOf(operation);
  const body = requestBody(operation, input, components);
  const [tag] = operation.name.split('.');
  return {
    operationId: operation.name,
    summary: operation.summary,
    tags: [tag],
    ...(stream !== undefined && { description: stream.summary, 'x-dais-watch': stream.name }),
    'x-dais-action': operation.action,
    parameters: [
      ...pathParameters(operation),
      ...queryParameters(operation, input, components),
      ...(stream === undefined ? [] : streamParameters(operation, stream, components)),
      ...headerParameters(operation, stream),
    ],
    ...(body !== undefined && { requestBody: body }),
    responses: {
      [http.status]: {
        description: 'Done.',
        ...(hasVersion(operation) && {
          headers: { ETag: { description: 'The version of the resource.', schema: { type: 'string' } } },
        }),
        content: {
          ...(http.content === 'download'
            ? { [http.page === true ? 'text/html' : 'application/octet-stream']: {} }
            : { 'application/json': { schema: components.of(operation.output) } }),
          ...(stream !== undefined && {
            'text/event-stream': { schema: streamEvent(components.of(stream.output)) },
          }),
        },
      },
      ...(http.content === 'download' && {
        206: {
          description: 'A range of the bytes.',
          content: { [http.page === true ? 'text/html' : 'application/octet-stream']: {} },
        },
      }),
      ...(http.method === 'GET' &&
        (hasVersion(operation) || http.content === 'download') && {
          304: { description: 'The caller already has this version.' },
        }),
      default: {
        description: 'The request failed.',
        content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** An event of a stream as an object of its fields, the form that OpenAPI 3.2 uses for event streams. */
function streamEvent(frame: JsonSchema): JsonSchema {
  return {
    type: 'object',
    description: 'With `watch=true`: one event of the stream.',
    properties: {
      data: { type: 'string', contentMediaType: 'application/json', contentSchema: frame },
      event: { type: 'string', description: '`error`: the stream ends here; `data` is a problem.' },
      id: { type: 'string', description: 'Resume from this position with `Last-Event-ID` or `resourceVersion`.' },
      retry: { type: 'integer', description: 'Milliseconds to wait before reconnecting.' },
    },
  };
}

function fieldsOf(operation: Operation): Readonly<Record<string, z.ZodType>> {
  return (operation.input as unknown as z.ZodObject).shape;
}

/** Whether the response is one resource, whose version is the ETag. */
function hasVersion(operation: Operation): boolean {
  const output = unwrapSchema(operation.output);
  return output instanceof z.ZodObject && 'metadata' in output.shape;
}

function pathParameters(operation: Operation): Parameter[] {
  return [...operation.http.path.matchAll(/:(\w+)/g)].map((match) => ({
    name: match[1] ?? '',
    in: 'path',
    required: true,
    description: 'Name of the resource, percent-encoded.',
    schema: { type: 'string', minLength: 1, maxLength: 256 },
  }));
}

function queryParameters(
  operation: Operation,
  input: Readonly<Record<string, z.ZodType>>,
  components: ComponentSchemas,
): Parameter[] {
  return (operation.http.query ?? []).map((name) => {
    const { description, ...schema } = components.of(input[name] as z.ZodType);
    return { name, in: 'query', ...(typeof description === 'string' && { description }), schema };
  });
}

function streamParameters(operation: Operation, stream: Operation, components: ComponentSchemas): Parameter[] {
  const known = operation.http.query ?? [];
  const further = (stream.http.query ?? []).filter((name) => !known.includes(name));
  const own = queryParameters({ ...stream, http: { ...stream.http, query: further } }, fieldsOf(stream), components);
  const description = `Responds with a stream of events; only supports ${(stream.http.query ?? []).map((name) => `\`${name}\``).join(', ')}.`;
  return [{ name: 'watch', in: 'query', description, schema: { type: 'boolean', default: false } }, ...own];
}

function headerParameters(operation: Operation, stream: Operation | undefined): Parameter[] {
  const header = (name: string, description: string): Parameter => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  });
  return [
    ...(operation.http.ticketField === undefined
      ? []
      : [{ ...header('Dais-Ticket', 'The ticket that was issued for this transfer.'), required: true }]),
    ...(operation.http.ifMatchField === undefined
      ? []
      : [header('If-Match', 'Required ETag of the resource, or `*`.')]),
    ...(operation.http.method === 'GET' && hasVersion(operation)
      ? [header('If-None-Match', 'ETag of the version that the caller has; the response is 304 if it is current.')]
      : []),
    ...(operation.mode === 'write' && operation.secretAnswer !== true
      ? [header('Idempotency-Key', 'A retry with the same key returns the response of the first request.')]
      : []),
    ...(stream === undefined ? [] : [header('Last-Event-ID', 'Resumes a stream after this event.')]),
  ];
}

function requestBody(
  operation: Operation,
  input: Readonly<Record<string, z.ZodType>>,
  components: ComponentSchemas,
): Record<string, unknown> | undefined {
  const { http } = operation;
  if (http.method === 'GET' || http.method === 'DELETE') return undefined;
  if (http.content === 'upload') return { required: true, content: { 'application/octet-stream': {} } };
  const yaml = (schema: JsonSchema) => (http.yaml === true ? { 'application/yaml': { schema } } : {});
  if (http.bodyField !== undefined) {
    const schema = components.of(input[http.bodyField] as z.ZodType);
    return { required: true, content: { 'application/json': { schema }, ...yaml(schema) } };
  }
  const elsewhere = new Set([...http.path.matchAll(/:(\w+)/g)].map((match) => match[1]));
  const fields = Object.entries(input).filter(([name]) => !elsewhere.has(name) && name !== http.ifMatchField);
  if (fields.length === 0) return undefined;
  const object = z.strictObject(Object.fromEntries(fields));
  const required = !object.safeParse({}).success;
  return {
    required,
    content: {
      'application/json': { schema: components.of(object) },
      ...yaml({ type: 'string', description: 'One or more documents; errors refer to them as the file `-`.' }),
    },
  };
}

function tagsOf(operations: readonly Operation[]): { readonly name: string }[] {
  return [...new Set(operations.map((operation) => operation.name.split('.')[0] ?? ''))].map((name) => ({ name }));
}

function problemSchema(): JsonSchema {
  const text = { type: 'string' };
  return {
    type: 'object',
    description: 'A problem document (RFC 9457).',
    required: ['type', 'title', 'status', 'code', 'remedy'],
    properties: {
      type: { ...text, description: 'URL of the documentation of this code.' },
      title: { ...text, description: 'Short summary of the error.' },
      status: { type: 'integer', description: 'The HTTP status.' },
      code: { type: 'string', enum: Object.keys(errorCatalog), description: 'Error code.' },
      remedy: { ...text, description: 'How to resolve the error.' },
      detail: { ...text, description: 'What failed in this request.' },
      requestId: { ...text, description: 'Identifies this request in the log of the server.' },
      issues: {
        type: 'array',
        description: 'All errors in the input, with their locations.',
        items: {
          type: 'object',
          required: ['message'],
          properties: {
            message: text,
            path: text,
            file: text,
            line: { type: 'integer' },
            column: { type: 'integer' },
            length: { type: 'integer' },
            expected: text,
            nearest: text,
          },
        },
      },
      holders: { type: 'array', items: text, description: 'Objects that still refer to it.' },
    },
  };
}
