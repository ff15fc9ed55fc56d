/**
 * First parts of the console's addresses: the server answers everything below them with the console, which knows the
 * rest. A link to a page that a message carries (an invitation, a code of a device) begins with one of them too.
 */
export const consoleRoots = [
  'projects',
  'organization',
  'access',
  'account',
  'audit',
  'device',
  'invitation',
  'sign-in',
] as const;
