/** The schema of `/graphql`: its fields are endpoints of the table of routes, and its types are their messages. */
import {
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLFloat,
  GraphQLInt,
  GraphQLInputObjectType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  Kind,
  type GraphQLFieldConfig,
  type GraphQLInputType,
  type GraphQLOutputType,
} from 'graphql';
import type { CallOperation, Route } from '../route.ts';
import type { Field, Message } from '../wire/message.ts';
import { parseMessage } from '../wire/parse.ts';

/** What resolvers get: the operations on behalf of the caller. */
export interface GraphqlContext {
  readonly call: CallOperation;
}

type Fields = Record<string, GraphQLFieldConfig<unknown, GraphqlContext>>;
type Plain = Readonly<Record<string, unknown>>;

const QUERIES = {
  mlflowGetExperiment: '/mlflow/experiments/get',
  mlflowGetMetricHistoryBulkInterval: '/mlflow/metrics/get-history-bulk-interval',
  mlflowGetRun: '/mlflow/runs/get',
  mlflowListArtifacts: '/mlflow/artifacts/list',
  mlflowSearchModelVersions: '/mlflow/model-versions/search',
  mlflowSearchRuns: '/mlflow/runs/search',
} as const;
const MUTATIONS = {
  mlflowSearchDatasets: '/mlflow/experiments/search-datasets',
  mlflowSearchRuns: '/mlflow/runs/search',
} as const;

/** Integers of 64 bits are text, because JavaScript would round them. */
const longString = new GraphQLScalarType<number, string>({
  name: 'LongString',
  description: 'An integer of 64 bits, as text.',
  serialize: String,
  parseValue: Number,
  parseLiteral: (node) => (node.kind === Kind.INT || node.kind === Kind.STRING ? Number(node.value) : NaN),
});

const apiError = new GraphQLObjectType({
  name: 'ApiError',
  fields: { code: { type: GraphQLString }, message: { type: GraphQLString } },
});

const component = new GraphQLDirective({
  name: 'component',
  locations: ['QUERY', 'MUTATION'],
  args: { name: { type: new GraphQLNonNull(GraphQLString) } },
});

const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const pascal = (name: string) => name.charAt(0).toUpperCase() + camel(name).slice(1);

/** @param served endpoints that this server has */
export function buildGraphqlSchema(served: readonly Route[]): GraphQLSchema {
  const types = new MessageTypes(served);
  const test = { type: echoType('Test'), args: { inputString: { type: GraphQLString } }, resolve: echo };
  const testMutation = { ...test, type: echoType('TestMutation') };
  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { ...types.fields(QUERIES), test } }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: { ...types.fields(MUTATIONS), testMutation } }),
    directives: [component],
  });
}

/** Clients check the connection with it. */
const echo = (_source: unknown, { inputString }: Plain) => ({ output: inputString });
const echoType = (name: string) => new GraphQLObjectType({ name, fields: { output: { type: GraphQLString } } });

class MessageTypes {
  readonly #served: readonly Route[];
  readonly #outputs = new Map<Message, GraphQLObjectType>();
  readonly #names = new Set<string>();
  readonly #roots = new Map<string, Fields[string]>();

  constructor(served: readonly Route[]) {
    this.#served = served;
  }

  fields(paths: Readonly<Record<string, Route['path']>>): Fields {
    return Object.fromEntries(
      Object.entries(paths).flatMap(([name, path]) => {
        const route = this.#route(path);
        if (route === undefined) return [];
        const field = this.#roots.get(name) ?? this.#root(name, route);
        this.#roots.set(name, field);
        return [[name, field]];
      }),
    );
  }

  #route(path: Route['path']): Route | undefined {
    return this.#served.find((one) => one.path === path && one.version === 2);
  }

  #root(name: string, route: Route): Fields[string] {
    const base = pascal(name);
    return {
      type: new GraphQLObjectType<unknown, GraphqlContext>({
        name: `${base}Response`,
        fields: () => ({ ...this.#outputFields(route.response, base), apiError: { type: apiError } }),
      }),
      args: { input: { type: this.#input(`${base}Input`, route.request) } },
      resolve: async (_source, { input }, { call }) => await answer(route, (input ?? {}) as Plain, call),
    };
  }

  #input(name: string, message: Message): GraphQLInputType {
    const fields = Object.entries(message).map(([key, field]) => {
      const type = field.message === undefined ? scalarOf(field) : this.#input(`${name}${pascal(key)}`, field.message);
      return [camel(key), { type: field.repeated ? new GraphQLList(type) : type }] as const;
    });
    return new GraphQLInputObjectType({ name, fields: Object.fromEntries(fields) });
  }

  #output(name: string, message: Message): GraphQLObjectType {
    const known = this.#outputs.get(message);
    if (known !== undefined) return known;
    const free = this.#names.has(name) ? `${name}${this.#outputs.size}` : name;
    this.#names.add(free);
    const made = new GraphQLObjectType<unknown, GraphqlContext>({
      name: free,
      fields: () => ({ ...this.#outputFields(message, free), ...(free === 'MlflowRun' && this.#relatedToRun()) }),
    });
    this.#outputs.set(message, made);
    return made;
  }

  #outputFields(message: Message, owner: string): Fields {
    return Object.fromEntries(
      Object.entries(message).map(([key, field]) => {
        const type: GraphQLOutputType =
          field.message === undefined ? scalarOf(field) : this.#output(typeName(key, field, owner), field.message);
        return [
          camel(key),
          {
            type: field.repeated ? new GraphQLList(new GraphQLNonNull(type)) : type,
            resolve: (source: unknown) => valueOf(field, (source as Plain)[key]),
          },
        ];
      }),
    );
  }

  /** Other records of a run, each with a call of its endpoint. */
  #relatedToRun(): Fields {
    const related = (path: Route['path'], key: string, inputOf: (info: Plain) => Plain): Fields => {
      const route = this.#route(path);
      const field = route?.response[key];
      if (route === undefined || field?.message === undefined) return {};
      const type = this.#output(typeName(key, field, ''), field.message);
      return {
        [camel(key)]: {
          type: field.repeated ? new GraphQLList(new GraphQLNonNull(type)) : type,
          resolve: async (source, _args, { call }) => {
            const { info } = source as { readonly info: Plain };
            return valueOf(field, (await answer(route, inputOf(info), call))[key]);
          },
        },
      };
    };
    return {
      ...related('/mlflow/experiments/get', 'experiment', ({ experiment_id: id }) => ({ experiment_id: id })),
      ...related('/mlflow/model-versions/search', 'model_versions', ({ run_id: id }) => ({
        filter: `run_id='${String(id)}'`,
      })),
    };
  }
}

/** `runs` and `run` have the type `MlflowRun`; parts of it are named after it: `MlflowRunInfo`. */
function typeName(key: string, { repeated }: Field, owner: string): string {
  const noun = pascal(repeated ? key.replace(/s$/, '') : key);
  return /^Mlflow(?:Run|.*Input|.*Output)$/.test(owner) ? `${owner}${noun}` : `Mlflow${noun}`;
}

function scalarOf({ kind }: Field): GraphQLScalarType {
  switch (kind) {
    case 'int32':
      return GraphQLInt;
    case 'int64':
      return longString;
    case 'double':
      return GraphQLFloat;
    case 'bool':
      return GraphQLBoolean;
    default:
      return GraphQLString;
  }
}

/** What was not set has the default value of protocol buffers. NaN, which JSON cannot express, is null. */
function valueOf(field: Field, value: unknown): unknown {
  if (field.repeated) return value ?? [];
  if (field.kind === 'double') return typeof value === 'number' ? value : value === undefined ? 0 : null;
  if (value !== undefined) return field.kind === 'map' || field.kind === 'json' ? JSON.stringify(value) : value;
  switch (field.kind) {
    case 'message':
      return {};
    case 'int32':
    case 'int64':
      return 0;
    case 'bool':
      return false;
    default:
      return '';
  }
}

async function answer(route: Route, input: Plain, call: CallOperation): Promise<Plain> {
  return (await route.answer(parseMessage(route.request, input), call)) as Plain;
}
