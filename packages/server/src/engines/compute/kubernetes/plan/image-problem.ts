/** Classifies why kubelet cannot get an image, from the messages of container runtimes and registries. */
import type { WaitingState } from './cluster-objects.ts';

/**
 * `denied`: the image does not exist, or may not be read; `unavailable`: the registry or the network failed; `unknown`: kubelet
 * waits before the next attempt, and the message contains no cause.
 */
export interface ImageProblem {
  readonly class: 'denied' | 'unavailable' | 'unknown';
  /** In the words of the registry. */
  readonly message: string;
}

const REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'ImageInspectError',
  'ErrImageNeverPull',
]);

const UNAVAILABLE = [
  /\b429\b|too many requests|toomanyrequests|rate limit/i,
  /\b50[0-9]\b|internal server error|bad gateway|service unavailable|gateway time-?out/i,
  /time-?out|timed out|deadline exceeded|connection (?:refused|reset)|no route to host|network is unreachable/i,
  /no such host|server misbehaving|temporary failure|broken pipe|unexpected eof|\bEOF\b/i,
  /tls:|x509:|certificate/i,
  /no space left on device|context canceled/i,
];

const DENIED = [
  /\b40[134]\b|unauthorized|authentication required|authorization failed|forbidden|denied|no basic auth credentials/i,
  /not found|manifest unknown|name unknown|does not exist|repository .* not exist/i,
  /no match for platform|no matching manifest|signature/i,
  /invalid reference format|unsupported|does not match the specified platform/i,
];

/** Undefined for a container that waits for something else. */
export function imageProblem({ reason = '', message = '' }: WaitingState): ImageProblem | undefined {
  if (!REASONS.has(reason)) return undefined;
  // References to images and URLs can contain any of the words and numbers below.
  const words = message.replaceAll(/"[^"]*"|https?:\/\/\S+|\S+@sha256:[0-9a-f]+/g, '');
  const classOf = (): ImageProblem['class'] => {
    if (reason === 'SignatureValidationFailed' || reason === 'ErrImageNeverPull') return 'denied';
    if (UNAVAILABLE.some((pattern) => pattern.test(words))) return 'unavailable';
    if (DENIED.some((pattern) => pattern.test(words))) return 'denied';
    return reason === 'RegistryUnavailable' || reason === 'ImageInspectError' ? 'unavailable' : 'unknown';
  };
  return { class: classOf(), message: message.trim() === '' ? reason : message.trim() };
}
