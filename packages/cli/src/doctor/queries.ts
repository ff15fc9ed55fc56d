/** Whether the machine runs queries over datasets. */
import { ok, problem, type Finding } from '#doctor/finding.ts';

export async function checkQueries(look: () => Promise<{ readonly version: string }>): Promise<Finding> {
  try {
    const { version } = await look();
    return ok('queries', `DuckDB ${version} runs in a process of its own`);
  } catch (error) {
    return problem(
      'queries',
      `the query process cannot run: ${error instanceof Error ? error.message : String(error)}`,
      'Install again: `@duckdb/node-bindings` of this platform is missing, or cannot be loaded (it needs glibc).',
    );
  }
}
