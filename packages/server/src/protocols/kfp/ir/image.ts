/**
 * Maps the image of a component to an environment. An image in a rule of the Target gets the environment of the rule, and a
 * plain Python image gets a Python environment of that version. All others run as images if the machine supports it.
 */
import { ruledEnvironment, type ImageRule, type StepEnvironment } from '#ledgers/executions/index.ts';

/** Docker's official image under each of its names. Its variants differ in system packages only. */
const PYTHON =
  /^(?:(?:docker\.io|index\.docker\.io|public\.ecr\.aws\/docker)\/)?(?:library\/)?python(?::([a-z0-9._-]+))?(?:@sha256:[0-9a-f]{64})?$/;
const VARIANT =
  /^(?:(?<version>3(?:\.\d+(?:\.\d+)?)?)|latest)?-?(?:slim|alpine|bookworm|bullseye|buster|trixie|slim-[a-z]+|alpine[0-9.]+)?$/;
/** The default image of newer SDKs. */
const UBI =
  /^registry\.access\.redhat\.com\/ubi(?:8|9|10)\/python-3(\d{1,2})(?::[a-z0-9._-]+)?(?:@sha256:[0-9a-f]{64})?$/;

/** Returns the environment that replaces an image. Undefined: there is none. */
export function environmentOfImage(image: string, rules: readonly ImageRule[]): StepEnvironment | undefined {
  const ruled = ruledEnvironment(image, rules);
  if (ruled !== undefined) return ruled;
  const version = pythonVersionOf(image);
  if (version === undefined) return undefined;
  return { type: 'python', requirements: [], ...(version !== '' && { version }) };
}

/** Returns whether the pipeline needs a machine that can run images. */
export function needsContainers(images: readonly string[], rules: readonly ImageRule[]): boolean {
  return images.some(
    (image) =>
      image.includes('{{$') || (environmentOfImage(image, rules) === undefined && !image.startsWith(VOLUME_IMAGES)),
  );
}

/** Returns the Python version of an image; '' for any version. Undefined: it is not a plain Python image. */
function pythonVersionOf(image: string): string | undefined {
  const minor = UBI.exec(image)?.[1];
  if (minor !== undefined) return `3.${minor}`;
  const official = PYTHON.exec(image);
  if (official === null) return undefined;
  const variant = VARIANT.exec(official[1] ?? 'latest');
  if (variant === null) return undefined;
  const version = variant.groups?.['version'] ?? '';
  // Docker's `python:3` is the newest version.
  return version === '3' ? '' : version;
}

/** Image prefix of tasks that create or delete a volume. */
export const VOLUME_IMAGES = 'argostub/';

export function imageRefusal(component: string, image: string, problem: string): string {
  if (image.startsWith(VOLUME_IMAGES)) {
    return `${component} creates or deletes a volume, but steps share no volumes; pass files between tasks as artifacts`;
  }
  return (
    `${component} uses image ${image}, which this server cannot run (${problem}). Use a Python image such as python:3.11, ` +
    `or map the image to an environment in \`spec.images\` of the Target \`local\``
  );
}
