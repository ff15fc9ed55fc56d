import { expect, test } from 'vitest';
import { computeScaffold } from './compute-files.ts';
import { engineScaffold } from './engine-files.ts';
import { kindScaffold } from './kind-files.ts';
import { ledgerScaffold } from './ledger-files.ts';
import { mlflowEndpointScaffold } from './mlflow-endpoint-files.ts';
import { namesOf } from './names.ts';
import { protocolScaffold } from './protocol-files.ts';
import { touchedFolders } from './scaffold.ts';

const names = namesOf('reading-list');
const server = 'packages/server/src';

test.each([
  ['kind', kindScaffold(names), ['packages/api/src', `${server}/compose`, `${server}/kinds/reading-list`]],
  [
    'ledger',
    ledgerScaffold(names),
    ['packages/api/src', `${server}/compose`, `${server}/ledgers/reading-list`, `${server}/testing`],
  ],
  ['engine', engineScaffold(names), [`${server}/compose`, `${server}/engines/reading-list`]],
  ['compute engine', computeScaffold(names), ['packages/api/src', `${server}/compose`, `${server}/engines/compute`]],
  ['protocol', protocolScaffold(names), [`${server}/compose`, `${server}/protocols/reading-list`]],
  [
    'MLflow endpoint',
    mlflowEndpointScaffold(names),
    ['packages/api/src', `${server}/ledgers/tracking`, `${server}/protocols/mlflow`, `${server}/testing`],
  ],
])('the hand-written folders of a new %s', (_, scaffold, folders) => {
  expect(touchedFolders(scaffold)).toEqual(folders);
});
