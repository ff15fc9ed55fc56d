/** Image names as container runtimes accept them: https://github.com/distribution/reference */

const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
const PART = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const TAG = '(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?';
const DIGEST = '(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,128})?';
const REST = new RegExp(`^${PART}(?:/${PART})*${TAG}${DIGEST}$`);
const MAX_CHARACTERS = 512;

/** Whether a container runtime can pull this name: with or without registry, tag and digest. */
export function isImageReference(text: string): boolean {
  if (text.length > MAX_CHARACTERS) return false;
  const slash = text.indexOf('/');
  const first = slash === -1 ? '' : text.slice(0, slash);
  const isDomain = first === 'localhost' || /[.:]/.test(first);
  return isDomain ? DOMAIN.test(first) && REST.test(text.slice(slash + 1)) : REST.test(text);
}
