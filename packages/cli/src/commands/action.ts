import { DaisError, findKind, nearest } from '@dais/api';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { jsonText, yamlText } from '#output/documents.ts';
import { resolveTarget } from '#resources/kind-view.ts';

export const run: Run<{ readonly set?: readonly string[] }> = async (context, args, { set = [] }) => {
  const { kind, names } = await resolveTarget(args, context.connect);
  const [name = '', verb, ...more] = names;
  if (verb === undefined || more.length > 0) {
    throw new DaisError('invalid_request', 'An action needs three arguments: KIND NAME VERB.');
  }
  const verbs = findKind(kind.kind)?.actions.map((action) => action.verb);
  if (verbs !== undefined && !verbs.includes(verb)) throw unknownVerb(kind.kind, verb, verbs);
  const client = await context.connect();
  const answer = await client.action(kind.kind, name, verb, readFields(set));
  context.terminal.out(context.globals.output === 'json' ? jsonText(answer) : await yamlText(answer));
  return exitCodes.ok.code;
};

function unknownVerb(kind: string, verb: string, verbs: readonly string[]): DaisError {
  const near = nearest(verb, verbs);
  const hint = near === undefined ? `it has ${verbs.join(', ') || 'none'}` : `did you mean ${near}?`;
  return new DaisError('invalid_request', `${kind} has no action "${verb}" (${hint}).`);
}

/** `count=3` is a number, `message=hello` a string: values are parsed as JSON where possible. */
function readFields(set: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    set.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new DaisError('invalid_request', `--set ${pair} is not FIELD=VALUE.`);
      return [pair.slice(0, at), readValue(pair.slice(at + 1))];
    }),
  );
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
