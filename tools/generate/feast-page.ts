import { registryMethods } from '../../packages/server/src/protocols/feast/registry/registry-methods.ts';
import { servedPaths } from '../../packages/server/src/protocols/feast/serving/feature-server.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table } from './markdown.ts';

const DIFFERENCES: readonly (readonly [there: string, here: string, why: string])[] = [
  [
    'A value older than the view’s `ttl` is given online as if it were new.',
    'Its status is `OUTSIDE_MAX_AGE`, and there is no value.',
    'What a model is trained on and what it is given must be the same: offline the same value does not count.',
  ],
  [
    'A value that is null has the status `PRESENT`.',
    'Its status is `NULL_VALUE`.',
    'A model can tell a missing value from a missing row.',
  ],
  [
    'Whatever is written last is what is read.',
    'The newer event time wins, whenever it comes.',
    'A job that runs late does not put yesterday in the place of today.',
  ],
  [
    'A mistake of the caller is a 500 with a text.',
    'It is a 4xx, with a class of `feast.errors`.',
    'Clients can tell their own mistakes from a server’s.',
  ],
  [
    'Permissions decide who may do what.',
    'They are kept and given back; policies and roles of Dais decide.',
    'One set of rules for everything.',
  ],
  [
    'A project that is torn down is gone.',
    'What Feast’s clients defined in it is; the project stays.',
    'It may hold runs, models and secrets that they know nothing of.',
  ],
  [
    'A synchronous materialization that begins while another one runs does it again.',
    'It is refused with 409, as an asynchronous one is.',
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
      `Of the ${methods.length} methods of \`feast.registry.RegistryServer\`, Dais answers ${served.length} on its gRPC port, and the feature server’s addresses on its HTTP port. Feast 0.66.0 and 0.67.0 are tried against Dais, unmodified. [Bring your Feast repository](../guide/use-a-feast-repository) tells how to begin.`,
      'Every definition is kept as it came, byte for byte, so that what only a newer client knows comes back to it. Errors name a class of `feast.errors`, which clients raise.',
      '## The registry',
      table(
        ['Method', 'Operation'],
        served.map(([name, { operation }]) => [code(name), code(operation)]),
      ),
      '## The feature server',
      'Each address is there as it stands, for the project `default`, and below `/p/PROJECT`.',
      table(
        ['Address', 'Operation'],
        servedPaths.map(({ path, operation }) => [code(`POST ${path}`), code(operation)]),
      ),
      '## Answered differently on purpose',
      table(
        ['Feast', 'Dais', 'Why'],
        DIFFERENCES.map((row) => [...row]),
      ),
      '## Not there',
      table(
        ['Method', 'Instead'],
        methods.flatMap(([name, { instead }]) => (instead === undefined ? [] : [[code(name), instead]])),
      ),
      'The offline store’s Arrow Flight server, search by vectors, versions of a view (`view@v2:feature`), and on-demand feature views that are Python functions are not there; each is refused with what to do instead.',
    ]),
  };
}
