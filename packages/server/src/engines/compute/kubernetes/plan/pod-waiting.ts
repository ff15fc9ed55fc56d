/** Evaluates an attempt whose pod has not started the command: what it waits for, and when it has waited too long. */
import type { AttemptFacts } from './attempt-facts.ts';
import type { FinalState } from './attempt-state.ts';
import { agentMessage, containerStatus, newestEvent, type ContainerStatus, type PodObject } from './cluster-objects.ts';
import { creationProblem } from './creation-problem.ts';
import { imageProblem } from './image-problem.ts';
import type { ObservationClock } from './observation-clock.ts';
import { lost, refused, withWords } from './pod-end.ts';
import { schedulerNote } from './scheduler-note.ts';

/** It waits, or it has waited too long. */
export type Waiting = { readonly note: string } | { readonly end: FinalState };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** A registry may know a new image a moment later. */
const DENIED_MS = 2 * MINUTE;
const UNAVAILABLE_MS = 15 * MINUTE;
const CONFIG_MS = MINUTE;
const CREATE_MS = 2 * MINUTE;
const AGENT_START_MS = 5 * MINUTE;
/** A pod waits 15 min for Dais, then its agent ends. */
const BEGIN_MS = 16 * MINUTE;
const START_MS = 20 * MINUTE;
const TARGET_MS = 15 * MINUTE;

/** The Job is not suspended and has no pod. */
export function evaluateCreation({ events }: AttemptFacts, clock: ObservationClock): Waiting {
  const event = newestEvent(events, ['FailedCreate']);
  if (event === undefined) return { note: 'waits for Kubernetes to create its pod' };
  const problem = creationProblem(event.message);
  if (problem.class === 'quota') return { note: `waits for quota: ${problem.text}` };
  if (problem.class === 'denied') return { end: refused(withWords('The cluster rejected the pod', problem.text)) };
  if (clock.hasLasted('creation', TARGET_MS)) {
    return { end: lost('control', withWords('Kubernetes could not create the pod for 15 min', problem.text)) };
  }
  return { note: `waits for Kubernetes to create its pod: ${problem.text}` };
}

/** The pod exists and has not ended. */
export function evaluateStart(facts: AttemptFacts, pod: PodObject, clock: ObservationClock): Waiting {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'True' && pod.spec.nodeName === undefined) {
    return scheduled?.reason === 'Unschedulable'
      ? evaluateScheduling(facts, scheduled.message ?? '', clock)
      : { note: 'waits for a node' };
  }
  const node = pod.spec.nodeName === undefined ? '' : ` on node \`${pod.spec.nodeName}\``;
  const waiting = evaluateContainer(facts, pod, 'agent', clock) ?? evaluateTaskContainer(facts, pod, clock);
  if (waiting !== undefined) return waiting;
  if (containerStatus(pod, 'agent')?.state?.running === undefined) {
    const problem = newestEvent(facts.events, ['FailedMount', 'FailedCreatePodSandBox'])?.message ?? '';
    return clock.hasLasted(`start:${pod.metadata.uid}`, START_MS)
      ? { end: lost('node', withWords(`Its pod${node} did not start within 20 min`, problem)) }
      : { note: `starts${node}` };
  }
  // Agents register before the image of the task is loaded, so its size does not matter.
  return clock.hasLasted(`begin:${pod.metadata.uid}`, BEGIN_MS)
    ? { end: lost('control', `Its agent${node} did not reach Dais within 16 min.`) }
    : { note: noteOf(`waits for its agent${node} to reach Dais`, agentMessage(pod)) };
}

function noteOf(note: string, words: string): string {
  return words === '' ? note : `${note}: ${words}`;
}

/** The container of the task can fail to start before and after its agent has reached Dais. Undefined while nothing failed. */
export function evaluateTaskContainer(
  facts: AttemptFacts,
  pod: PodObject,
  clock: ObservationClock,
): Waiting | undefined {
  return evaluateContainer(facts, pod, 'task', clock);
}

function evaluateScheduling({ task, target }: AttemptFacts, message: string, clock: ObservationClock): Waiting {
  const note = schedulerNote(message, task.resources);
  const { pendingTimeoutMs } = target;
  if (pendingTimeoutMs === undefined || !clock.hasLasted('unschedulable', pendingTimeoutMs)) return { note };
  const limit = Math.round(pendingTimeoutMs / MINUTE);
  const remedy = 'Request fewer resources, or add nodes to the target.';
  return { end: refused(`The task found no node within ${limit} min: it ${note}. ${remedy}`) };
}

function evaluateContainer(
  facts: AttemptFacts,
  pod: PodObject,
  name: 'agent' | 'task',
  clock: ObservationClock,
): Waiting | undefined {
  const waiting = containerStatus(pod, name)?.state?.waiting;
  if (waiting === undefined) return undefined;
  const { reason = '', message = '' } = waiting;
  const image = evaluateImage(facts, waiting, name, clock);
  if (image !== undefined) return image;
  // The author of the command cannot correct the agent: these attempts are retried.
  const own = name === 'agent' ? agentMessage(pod) : '';
  const fail = (sentence: string): Waiting => ({
    end: name === 'task' ? refused(withWords(sentence, message)) : lost('control', withWords(sentence, own || message)),
  });
  const container = name === 'task' ? 'container of the task' : 'agent';
  const lasted = (limit: number) => clock.hasLasted(`${reason}:${name}`, limit);
  switch (reason) {
    case 'InvalidImageName':
      return fail(`The image name of the ${container} is not valid`);
    case 'CreateContainerConfigError':
      return lasted(CONFIG_MS)
        ? fail(`The configuration of the ${container} is not valid`)
        : { note: `waits for the configuration of the ${container}: ${message}` };
    case 'CreateContainerError':
      return lasted(CREATE_MS)
        ? fail(`The ${container} could not be created`)
        : { note: `waits for the ${container} to be created: ${message}` };
    case 'CrashLoopBackOff':
    case 'PostStartHookError':
    case 'RunContainerError':
      return lasted(AGENT_START_MS)
        ? fail(`The ${container} did not start within 5 min`)
        : { note: noteOf(`waits for the ${container}, which failed to start`, own) };
    default:
      // `ContainerCreating`, `PodInitializing`: nothing failed.
      return undefined;
  }
}

function evaluateImage(
  { events }: AttemptFacts,
  waiting: NonNullable<NonNullable<ContainerStatus['state']>['waiting']>,
  name: 'agent' | 'task',
  clock: ObservationClock,
): Waiting | undefined {
  let problem = imageProblem(waiting);
  if (problem === undefined) return undefined;
  const denial = `image-denied:${name}`;
  if (problem.class === 'unknown') {
    // Kubelet before 1.31 does not repeat the cause while it waits.
    const event = newestEvent(events, ['Failed']);
    const cause = event === undefined ? undefined : imageProblem({ reason: 'ErrImagePull', message: event.message });
    const isDenied = cause === undefined && clock.wasSeen(denial);
    problem = isDenied ? { ...problem, class: 'denied' } : (cause ?? problem);
  }
  const image = name === 'task' ? 'The image of the task' : 'The image of the agent';
  // Both start now: a registry may alternate between errors.
  const isOver = clock.hasLasted(`image:${name}`, UNAVAILABLE_MS);
  if (problem.class === 'denied' && clock.hasLasted(denial, DENIED_MS)) {
    const sentence = withWords(
      `${image} cannot be pulled: it does not exist, or the target may not read it`,
      problem.message,
    );
    return { end: name === 'task' ? refused(sentence) : lost('registry', sentence) };
  }
  if (isOver) return { end: lost('registry', withWords(`${image} was not available for 15 min`, problem.message)) };
  return { note: `waits for ${image.replace('The', 'the')}: ${problem.message}` };
}
