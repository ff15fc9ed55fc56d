/** What is wrong with a document by Elastic Common Schema; `own` is the one name below which everything is the program's own. */
export function ecsProblems(document: unknown, own: string): string[];
