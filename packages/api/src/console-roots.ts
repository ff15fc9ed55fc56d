/**
 * First segments of the console's paths: the server returns the console for all paths below them. Links in messages (an
 * invitation, a device code) also start with one of them.
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
