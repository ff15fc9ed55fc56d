/** `/graphql`, with which the pages of MLflow and its forks read runs and experiments. */
import { readRunOperation } from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallContext } from '#kernel/context.ts';
import type { CallOperation, Route } from '../route.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { bodyJson, requireJsonType } from '../wire/request-json.ts';

export const GRAPHQL_PATH = '/graphql';

/** What is served here, for the table of endpoints. */
export const graphqlEndpoints = [{ method: 'POST', path: GRAPHQL_PATH, operation: readRunOperation.name }] as const;

interface GraphqlIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
}

export function addGraphql(
  app: FastifyInstance,
  io: GraphqlIo,
  served: readonly Route[],
  callerOf: (context: CallContext) => CallOperation,
): void {
  let execute: Promise<Execute> | undefined;
  app.route({
    method: 'POST',
    url: GRAPHQL_PATH,
    // Each field of a query calls its own operation, which decides about the caller.
    config: { operation: readRunOperation.name },
    handler: async (request, reply) => {
      requireJsonType(request.headers['content-type']);
      const body = Buffer.isBuffer(request.body) ? bodyJson(request.body) : {};
      // The library is loaded by the first query: most servers never get one.
      execute ??= loadExecute(served);
      const result = await (await execute)(queryOf(body), callerOf(io.contextOf(request, reply, 'mlflow')));
      return await reply.type('application/json').send(JSON.stringify(result));
    },
  });
}

interface Query {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly operationName: string | undefined;
}

interface Result {
  readonly data: unknown;
  /** Messages: MLflow writes texts instead of objects. */
  readonly errors: readonly string[] | null;
}

type Execute = (query: Query, call: CallOperation) => Promise<Result>;

/** @throws MlflowError for a body without a query. */
function queryOf(body: Readonly<Record<string, unknown>>): Query {
  const { query: text, variables, operationName } = body;
  if (typeof text !== 'string' || text === '') throw invalid("Missing value for required parameter 'query'.");
  const isMap = typeof variables === 'object' && variables !== null && !Array.isArray(variables);
  if (variables !== undefined && variables !== null && !isMap) {
    throw invalid("Invalid value for parameter 'variables' supplied: it must be a JSON object.");
  }
  return {
    text,
    variables: isMap ? (variables as Readonly<Record<string, unknown>>) : undefined,
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}

async function loadExecute(served: readonly Route[]): Promise<Execute> {
  const [{ execute, GraphQLError, parse, validate }, { buildGraphqlSchema }, { excessOf }] = await Promise.all([
    import('graphql'),
    import('./schema.ts'),
    import('./limits.ts'),
  ]);
  const schema = buildGraphqlSchema(served);
  return async ({ text, variables, operationName }, call) => {
    const failed = (...errors: readonly string[]): Result => ({ data: null, errors });
    try {
      const document = parse(text, { maxTokens: 20_000, noLocation: true });
      const excess = excessOf(document);
      if (excess !== undefined) return failed(excess);
      const problems = validate(schema, document, undefined, { maxErrors: 10 });
      if (problems.length > 0) return failed(...problems.map(({ message }) => message));
      const { data, errors } = await execute({
        schema,
        document,
        variableValues: variables,
        operationName,
        contextValue: { call },
      });
      return { data: data ?? null, errors: errors === undefined ? null : errors.map(({ message }) => message) };
    } catch (error) {
      if (error instanceof GraphQLError) return failed(error.message);
      throw error;
    }
  };
}
