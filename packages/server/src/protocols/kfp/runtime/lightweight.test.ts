import { describe, expect, test } from 'vitest';
import { lightweightOf } from './lightweight.ts';

const LAUNCH = `program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         --component_module_path                         "$program_path/ephemeral_component.py"                         "$@"
`;
const ENSURE = `
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 `;
const PIP = 'python3 -m pip install --quiet --no-warn-script-location';
const KFP = `'kfp==2.15.2' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<"3.9"'`;
const BARE = ['kfp==2.15.2', 'typing-extensions>=3.7.4,<5; python_version<"3.9"'];
const command = (install: string, launch = LAUNCH) => ['sh', '-c', install, 'sh', '-ec', launch, 'SOURCE'];

describe('a lightweight component is recognized by its command', () => {
  test.each<[string, string, object]>([
    ['alone', `${ENSURE}${PIP} ${KFP} && "$0" "$@"\n`, { requirements: [], bare: BARE, indexes: [] }],
    [
      'with packages',
      `${ENSURE}${PIP} ${KFP}  &&  ${PIP} 'pandas>=2' 'requests[socks]==2.31' && "$0" "$@"\n`,
      { requirements: ['pandas>=2', 'requests[socks]==2.31'], bare: BARE, indexes: [] },
    ],
    [
      'from an index',
      `${ENSURE}${PIP} --index-url https://a/simple --trusted-host https://a/simple ${KFP} && "$0" "$@"\n`,
      { requirements: [], bare: BARE, indexes: ['https://a/simple'] },
    ],
    [
      'of an old SDK',
      `(PIP_DISABLE_PIP_VERSION_CHECK=1 ${PIP} 'pandas' 'kfp==2.0' || PIP_DISABLE_PIP_VERSION_CHECK=1 ${PIP} 'pandas' 'kfp==2.0' --user) && "$0" "$@"`,
      { requirements: ['pandas', 'kfp==2.0'], bare: [], indexes: [] },
    ],
  ])('%s', (_, install, needs) => {
    expect(lightweightOf(command(install))).toEqual({ ...needs, source: 'SOURCE' });
  });

  test.each([
    ['another program', ['python3', '-m', 'kfp.dsl.executor_main']],
    ['another launch', command(`${PIP} ${KFP} && "$0" "$@"`, `rm -r /; ${LAUNCH}`)],
    ['an option that is not known', command(`${PIP} --find-links /x ${KFP} && "$0" "$@"`)],
    ['no installation', command('echo && "$0" "$@"')],
  ])('%s is not recognized', (_, words) => {
    expect(lightweightOf(words)).toBeUndefined();
  });
});
