import { projectKind } from '@dais/api';
import { secretKind } from '@dais/api/access';
import { expect, test } from 'vitest';
import { addressPath, listAddress, resourceAddress } from './addresses.ts';

test.each([
  [listAddress(secretKind, 'vision'), '/projects/vision/secrets'],
  [resourceAddress(secretKind, 'vision', 'a/b $c?'), '/projects/vision/secrets/a%2Fb%20%24c%3F'],
  [resourceAddress(projectKind, 'elsewhere', 'vision'), '/organization/projects/vision'],
])('%j', (address, path) => {
  expect(addressPath(address)).toBe(path);
});
