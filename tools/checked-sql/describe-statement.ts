/** Reads the parameter and result types of a statement from PostgreSQL, without running it. */
import type { Client, Submittable } from 'pg';
import { resultNullability, type Catalog, type Nullability } from './nullability.ts';
import { isTreeList, isTreeNode, parseTree, type TreeNode, type TreeValue } from './query-tree.ts';

export interface ResultColumn {
  readonly name: string;
  /** `text`, `timestamp with time zone[]`, … */
  readonly type: string;
  readonly nullability: Nullability;
}

export interface Described {
  /** How many values it takes. */
  readonly parameters: number;
  readonly columns: readonly ResultColumn[];
}

/** One connection; statements are described one after the other. */
export class StatementDescriber {
  readonly #client: Client;
  readonly #types: ReadonlyMap<number, string>;
  readonly #catalog: Catalog;

  private constructor(client: Client, types: ReadonlyMap<number, string>, catalog: Catalog) {
    this.#client = client;
    this.#types = types;
    this.#catalog = catalog;
  }

  static async open(client: Client): Promise<StatementDescriber> {
    await client.query(`create schema checked`);
    const types = await client.query<{ oid: number; name: string }>(
      `select oid::int4 as oid, format_type(oid, null) as name from pg_type`,
    );
    return new StatementDescriber(
      client,
      new Map(types.rows.map(({ oid, name }) => [oid, name])),
      await readCatalog(client),
    );
  }

  /** Throws PostgreSQL's error when the statement is wrong. */
  async describe(text: string): Promise<Described> {
    const { parameters, fields } = await new Promise<WireDescription>((resolve, reject) => {
      this.#client.query(new DescribeStatement(text, resolve, reject));
    });
    const nullability = fields.length === 0 ? [] : await this.#nullability(text, parameters);
    return {
      parameters: parameters.length,
      columns: fields.map((field, index) => ({
        name: field.name,
        type: this.#types.get(field.dataTypeID) ?? String(field.dataTypeID),
        nullability: nullability[index] ?? 'unknown',
      })),
    };
  }

  /**
   * Reads the analyzed query from a function that is made of the statement: PostgreSQL keeps the body of such a
   * function as a tree, with the outer joins that may make each column null.
   */
  async #nullability(text: string, parameters: readonly number[]): Promise<readonly Nullability[]> {
    const types = parameters.map((type) => this.#types.get(type) ?? 'text').join(', ');
    await this.#client.query('begin');
    try {
      await this.#client.query(
        `create function checked.statement(${types}) returns void language sql begin atomic ${text}; end`,
      );
      const { rows } = await this.#client.query<{ body: string }>(
        `select prosqlbody::text as body from pg_proc where pronamespace = 'checked'::regnamespace`,
      );
      const query = firstQuery(parseTree(rows[0]!.body));
      if (query === undefined) throw new Error('PostgreSQL gives no query tree of the statement');
      return resultNullability(query, this.#catalog);
    } finally {
      await this.#client.query('rollback');
    }
  }
}

function firstQuery(value: TreeValue): TreeNode | undefined {
  if (isTreeList(value)) return value.map(firstQuery).find((found) => found !== undefined);
  return isTreeNode(value) && value.type === 'QUERY' ? value : undefined;
}

async function readCatalog(client: Client): Promise<Catalog> {
  const columns = await client.query<{ key: string }>(
    `select attrelid::oid || '.' || attnum as key from pg_attribute where attnotnull and attnum > 0`,
  );
  const functions = await client.query<{ oid: number; strict: boolean; total: boolean; never: boolean }>(
    `select oid::int4 as oid, proisstrict as strict, proisstrict and proname <> all ($1) as total,
       proname = any ($2) as never
     from pg_proc where pronamespace = 'pg_catalog'::regnamespace`,
    [PARTIAL, NEVER_NULL],
  );
  const ids = (holds: (row: { strict: boolean; total: boolean; never: boolean }) => boolean) =>
    new Set(functions.rows.filter(holds).map(({ oid }) => oid));
  return {
    notNull: new Set(columns.rows.map(({ key }) => key)),
    strict: ids(({ strict }) => strict),
    strictTotal: ids(({ total }) => total),
    neverNull: ids(({ never }) => never),
  };
}

/** Strict functions that can return null for arguments that are not null. */
const PARTIAL = [
  'jsonb_object_field',
  'jsonb_object_field_text',
  'jsonb_array_element',
  'jsonb_array_element_text',
  'jsonb_extract_path',
  'jsonb_extract_path_text',
  'json_object_field',
  'json_object_field_text',
  'json_array_element',
  'json_array_element_text',
  'json_extract_path',
  'json_extract_path_text',
  'array_length',
  'array_upper',
  'array_lower',
  'array_position',
  'regexp_match',
  'regexp_substr',
  'substring',
  'current_setting',
  'to_regclass',
  'jsonb_path_query_first',
  'obj_description',
  'shobj_description',
  'col_description',
  'pg_get_expr',
  'pg_get_serial_sequence',
  'inet_server_port',
  'jsonb_array_elements_text',
  'pg_last_wal_replay_lsn',
];

/** Functions and aggregates that return a value whatever their arguments are. */
const NEVER_NULL = [
  'count',
  'row_number',
  'rank',
  'dense_rank',
  'now',
  'clock_timestamp',
  'transaction_timestamp',
  'gen_random_uuid',
  'concat',
  'concat_ws',
  'jsonb_build_object',
  'jsonb_build_array',
  'json_build_object',
  'json_build_array',
  'num_nulls',
  'pg_backend_pid',
  'pg_current_xact_id',
];

interface WireDescription {
  readonly parameters: readonly number[];
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

interface Wire {
  removeAllListeners(event: 'parameterDescription'): void;
  once(event: 'parameterDescription', call: (message: { readonly dataTypeIDs: readonly number[] }) => void): void;
  parse(message: { name: string; text: string }): void;
  describe(message: { type: 'S'; name: string }): void;
  sync(): void;
}

/** Parse and Describe of the extended protocol; nothing is executed. The driver calls these methods. */
class DescribeStatement implements Submittable {
  readonly #text: string;
  readonly #resolve: (description: WireDescription) => void;
  readonly #reject: (error: unknown) => void;
  #parameters: readonly number[] = [];
  #fields: WireDescription['fields'] = [];

  constructor(text: string, resolve: (description: WireDescription) => void, reject: (error: unknown) => void) {
    this.#text = text;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    // The driver itself does not use this message. A statement that fails to parse has none, and leaves no listener.
    wire.removeAllListeners('parameterDescription');
    wire.once('parameterDescription', ({ dataTypeIDs }) => {
      this.#parameters = dataTypeIDs;
    });
    wire.parse({ name: '', text: this.#text });
    wire.describe({ type: 'S', name: '' });
    wire.sync();
  }

  handleRowDescription(message: { readonly fields: WireDescription['fields'] }): void {
    this.#fields = message.fields;
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve({ parameters: this.#parameters, fields: this.#fields });
  }
}
