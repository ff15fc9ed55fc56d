/** Classifies why the Job controller cannot create the pod, from the messages of the API server. */

/**
 * `quota`: the pod must wait until others end; `denied`: a policy rejects the pod; `target`: something that the target needs is
 * missing or fails.
 */
export interface CreationProblem {
  readonly class: 'quota' | 'denied' | 'target';
  /** For people. */
  readonly text: string;
}

const PREFIX = /^Error creating: (?:pods "[^"]*" is forbidden: )?/;
const QUOTA = /exceeded quota: ([^,]+), requested: (.*), used: (.*), limited: (.*)$/s;
/** Of the API server when an admission webhook, a policy, the pod security standard or a limit range rejects a pod. */
const DENIED = [
  /admission webhook "[^"]*" denied the request/,
  /ValidatingAdmissionPolicy .* denied request/s,
  /violates PodSecurity/,
  /(?:maximum|minimum) \S+ usage per (?:Container|Pod) is/,
];

export function creationProblem(message: string): CreationProblem {
  const text = message.replace(PREFIX, '').trim();
  const quota = QUOTA.exec(text);
  if (quota !== null) return { class: 'quota', text: quotaText(quota) };
  return { class: DENIED.some((pattern) => pattern.test(text)) ? 'denied' : 'target', text };
}

/** Returns `quota dais permits 64 requests.cpu, 60 are used, and the pod needs 8`. */
function quotaText([, name = '', requested = '', used = '', limited = '']: RegExpExecArray): string {
  const amounts = (list: string) => new Map(list.split(',').map((part) => part.split('=', 2) as [string, string]));
  const [usedBy, limits] = [amounts(used), amounts(limited)];
  const parts = [...amounts(requested)].map(
    ([resource, amount]) =>
      `${limits.get(resource) ?? '?'} ${resource}, ${usedBy.get(resource) ?? '?'} are used, and the pod needs ${amount}`,
  );
  return `quota ${name} permits ${parts.join('; ')}`;
}
