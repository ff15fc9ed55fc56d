/** Shared helpers of the suite: files, rows, and short query functions. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type {
  FileTable,
  InlineTable,
  QueryEngine,
  QueryJob,
  QueryResult,
  SourceFile,
  TableSource,
} from './contract.ts';
import { named, scan } from './model/build.ts';
import type { ColumnType } from './model/column-type.ts';
import { QueryError } from './model/query-error.ts';
import type { Expression, LiteralValue, Relation } from './model/query-tree.ts';

export interface QuerySubject {
  readonly engine: QueryEngine;
  /** Folder for test files; the subject removes it. */
  readonly folder: string;
  end(): Promise<void>;
}

export async function expectFailure(work: Promise<unknown>): Promise<QueryError> {
  const error = await work.then(
    (answer) => new Error(`It was answered: ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof QueryError)) throw error;
  return error;
}

export function inline(
  columns: Readonly<Record<string, ColumnType>>,
  ...rows: readonly (readonly LiteralValue[])[]
): InlineTable {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows };
}

export class Bench {
  #subject: QuerySubject | undefined;
  #files = 0;

  /** Before the first test. */
  take(subject: QuerySubject): void {
    this.#subject = subject;
  }

  get engine(): QueryEngine {
    if (this.#subject === undefined) throw new Error('The engine is not open yet.');
    return this.#subject.engine;
  }

  get folder(): string {
    return this.#subject?.folder ?? '';
  }

  async file(content: string | Buffer, source: Partial<SourceFile> = {}): Promise<SourceFile> {
    this.#files += 1;
    const { format = 'csv' } = source;
    const made = path.join(this.folder, `file-${this.#files}.${format}`);
    await writeFile(made, content);
    return { ...source, path: made, name: source.name ?? `people.${format}`, format };
  }

  async rowsOf(
    query: Relation,
    tables: Readonly<Record<string, TableSource>>,
    more: Partial<QueryJob> = {},
  ): Promise<QueryResult> {
    return await this.engine.run({ tables, query, output: { type: 'rows', limit: 1000 }, ...more });
  }

  async rowsOfFile(
    content: string | Buffer,
    source: Partial<SourceFile> = {},
    table: Partial<FileTable> = {},
  ): Promise<QueryResult> {
    return await this.rowsOf(scan('t'), { t: { files: [await this.file(content, source)], ...table } });
  }

  async valueOf(expression: Expression): Promise<unknown> {
    const { rows } = await this.rowsOf(
      { type: 'project', from: scan('one'), columns: [named('v', expression)] },
      { one: inline({ x: 'int64' }, [1]) },
    );
    return rows[0]?.[0];
  }
}
