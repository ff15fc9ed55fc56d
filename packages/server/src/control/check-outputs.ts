import type { OperationEntry } from '#kernel/entry.ts';

/**
 * Wraps an entry so that an answer which its operation's output schema refuses becomes an error. Tests run with it;
 * production does not, because of its cost.
 */
export function checkOutputs(entry: OperationEntry): OperationEntry {
  const { operation, handling, described } = entry;
  const check = (answer: unknown): unknown => {
    const { error } = operation.output.safeParse(described(answer));
    if (error === undefined) return answer;
    throw new Error(`The output of ${operation.name} does not match its schema: ${error.message}`);
  };
  if (typeof handling === 'function') {
    return { ...entry, handling: async (tx, call) => check(await handling(tx, call)) };
  }
  if ('perform' in handling) {
    return { ...entry, handling: { perform: async (call) => check(await handling.perform(call)) } };
  }
  if ('share' in handling) {
    const share: typeof handling.share = async (tx, calls) => {
      const answers = await handling.share(tx, calls);
      for (const answer of answers) if (!('error' in answer)) check(answer.value);
      return answers;
    };
    return { ...entry, handling: { share } };
  }
  const stream: typeof handling.stream = async function* (call) {
    for await (const frame of handling.stream(call)) yield check(frame);
  };
  return { ...entry, handling: { stream } };
}
