/** Whether the machine runs queries over datasets. */
import { ok, problem, type Finding } from '#doctor/finding.ts';

export async function checkQueries(
  inspect: () => Promise<{ readonly version: string; readonly boundary: string }>,
): Promise<Finding> {
  try {
    const { version, boundary } = await inspect();
    const process =
      boundary === 'none' ? 'a process with limits, without isolation' : `a process isolated by ${boundary}`;
    return ok('queries', `DuckDB ${version} runs in ${process}`);
  } catch (error) {
    return problem(
      'queries',
      `the query process cannot run: ${error instanceof Error ? error.message : String(error)}`,
      'Install again: `@duckdb/node-bindings` of this platform is missing, or cannot be loaded (it needs glibc).',
    );
  }
}
