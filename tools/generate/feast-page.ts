import { registryMethods } from '../../packages/server/src/protocols/feast/registry/registry-methods.ts';
import { servedPaths } from '../../packages/server/src/protocols/feast/serving/feature-server.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table } from './markdown.ts';

const DIFFERENCES: readonly (readonly [there: string, here: string, why: string])[] = [
  [
    'An online value older than the view’s `ttl` is returned like a new one.',
    'Its status is `OUTSIDE_MAX_AGE`, without a value.',
    'Training and serving must use the same values: the offline join omits such a value, too.',
  ],
  [
    'A value that is null has the status `PRESENT`.',
    'Its status is `NULL_VALUE`.',
    'A model can distinguish a missing value from a missing row.',
  ],
  [
    'The last write is returned.',
    'The newest event time is returned, in any order of writes.',
    'A late job does not replace newer values with older ones.',
  ],
  [
    'An error of the caller is a 500 with a text.',
    'It is a 4xx, with a class of `feast.errors`.',
    'Clients can distinguish their own errors from a server’s.',
  ],
  [
    'Permissions of Feast control access.',
    'They are stored and returned; policies and roles of Dais control access.',
    'One set of rules covers everything.',
  ],
  [
    'A torn-down project is deleted.',
    'The definitions of Feast’s clients are deleted; the project stays.',
    'It can contain runs, models and secrets of other clients.',
  ],
  [
    'A synchronous materialization during another one repeats it.',
    'It is rejected with 409, like an asynchronous one.',
    'Nothing is done twice.',
  ],
];

/** Which methods of Feast’s servers Dais has, and which operation answers each. */
export function feastPage(): GeneratedFile {
  const methods = Object.entries(registryMethods()).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const served = methods.filter(([, { instead }]) => instead === undefined);
  return {
    path: `${REFERENCE}/feast.md`,
    text: page('Methods of Feast', 'packages/server/src/protocols/feast/registry/registry-methods.ts', [
      `Of the ${methods.length} methods of \`feast.registry.RegistryServer\`, Dais serves ${served.length} on its gRPC port, and the paths of the feature server on its HTTP port. Feast 0.66.0 and 0.67.0 are tested against Dais, unmodified. [Use a Feast repository](../guide/use-a-feast-repository) describes the first steps.`,
      'Every definition is stored byte for byte, so that fields of newer clients are returned to them. Errors name a class of `feast.errors`, which clients raise.',
      '## The registry',
      table(
        ['Method', 'Operation'],
        served.map(([name, { operation }]) => [code(name), code(operation)]),
      ),
      '## The feature server',
      'Each path exists as listed, for the project `default`, and below `/p/PROJECT`.',
      table(
        ['Address', 'Operation'],
        servedPaths.map(({ path, operation }) => [code(`POST ${path}`), code(operation)]),
      ),
      '## Intended differences',
      table(
        ['Feast', 'Dais', 'Why'],
        DIFFERENCES.map((row) => [...row]),
      ),
      '## Not there',
      table(
        ['Method', 'Instead'],
        methods.flatMap(([name, { instead }]) => (instead === undefined ? [] : [[code(name), instead]])),
      ),
      'The offline store’s Arrow Flight server, search by vectors, versions of a view (`view@v2:feature`), and on-demand feature views that are Python functions are not supported; each is rejected with an alternative.',
    ]),
  };
}
