/**
 * The image of a component. None is ignored: one that a Target names has the environment that stands there, one that is nothing
 * but Python is an environment of that version, all others are run where the machine can, and else refused.
 */
import { ruledEnvironment, type ImageRule, type StepEnvironment } from '#ledgers/executions/index.ts';

/** Docker's official image under each of its names; its variants differ in what the system has beside Python. */
const PYTHON =
  /^(?:(?:docker\.io|index\.docker\.io|public\.ecr\.aws\/docker)\/)?(?:library\/)?python(?::([a-z0-9._-]+))?(?:@sha256:[0-9a-f]{64})?$/;
const VARIANT =
  /^(?:(?<version>3(?:\.\d+(?:\.\d+)?)?)|latest)?-?(?:slim|alpine|bookworm|bullseye|buster|trixie|slim-[a-z]+|alpine[0-9.]+)?$/;
/** The one that newer SDKs use when none is named. */
const UBI =
  /^registry\.access\.redhat\.com\/ubi(?:8|9|10)\/python-3(\d{1,2})(?::[a-z0-9._-]+)?(?:@sha256:[0-9a-f]{64})?$/;

/** Undefined: there is no environment that stands for it. */
export function environmentOfImage(image: string, rules: readonly ImageRule[]): StepEnvironment | undefined {
  const ruled = ruledEnvironment(image, rules);
  if (ruled !== undefined) return ruled;
  const version = pythonVersionOf(image);
  if (version === undefined) return undefined;
  return { type: 'python', requirements: [], ...(version !== '' && { version }) };
}

/** Whether whoever runs the pipeline has to know if images are run as they are. */
export function needsContainers(images: readonly string[], rules: readonly ImageRule[]): boolean {
  return images.some(
    (image) =>
      image.includes('{{$') || (environmentOfImage(image, rules) === undefined && !image.startsWith(VOLUME_IMAGES)),
  );
}

/** '' when it leaves the version open; undefined when it is no image of Python. */
function pythonVersionOf(image: string): string | undefined {
  const minor = UBI.exec(image)?.[1];
  if (minor !== undefined) return `3.${minor}`;
  const official = PYTHON.exec(image);
  if (official === null) return undefined;
  const variant = VARIANT.exec(official[1] ?? 'latest');
  if (variant === null) return undefined;
  const version = variant.groups?.['version'] ?? '';
  // Docker's `python:3` is the newest of them.
  return version === '3' ? '' : version;
}

/** What SDKs write for a task that makes or removes a volume. */
export const VOLUME_IMAGES = 'argostub/';

export function imageRefusal(component: string, image: string, fault: string): string {
  if (image.startsWith(VOLUME_IMAGES)) {
    return `${component} makes or removes a volume, and steps share none here: pass files from task to task as artifacts`;
  }
  return (
    `${component} runs in the image ${image}, and nothing here stands for that: use an image of Python such as python:3.11, ` +
    `have an environment named for this image in \`spec.images\` of the Target \`local\`, or let the server run images: ${fault}`
  );
}
