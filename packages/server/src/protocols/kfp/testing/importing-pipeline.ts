import { smallPipeline } from './small-pipeline.ts';

/** Returns a pipeline that imports `address` for a script, which reads `$1` and writes `$2`. */
export function importingPipeline(
  address: string,
  {
    script = 'cat "$1" > "$2"',
    variables = {},
  }: { readonly script?: string; readonly variables?: Readonly<Record<string, string>> } = {},
) {
  const spec = smallPipeline(script);
  const artifactType = { schemaTitle: 'system.Dataset', schemaVersion: '0.0.1' };
  const { 'comp-say': say } = spec.components;
  return {
    ...spec,
    deploymentSpec: {
      executors: {
        'exec-say': {
          container: {
            ...spec.deploymentSpec.executors['exec-say'].container,
            env: Object.entries(variables).map(([name, value]) => ({ name, value })),
            args: ['x', "{{$.inputs.artifacts['given'].path}}", "{{$.outputs.artifacts['data'].path}}"],
          },
        },
        'exec-bring': {
          importer: {
            artifactUri: { constant: address },
            typeSchema: artifactType,
            metadata: { rows: 3 },
          },
        },
      },
    },
    components: {
      'comp-say': { ...say, inputDefinitions: { artifacts: { given: { artifactType } } } },
      'comp-bring': {
        executorLabel: 'exec-bring',
        outputDefinitions: { artifacts: { artifact: { artifactType } } },
      },
    },
    root: {
      dag: {
        tasks: {
          bring: { taskInfo: { name: 'bring' }, componentRef: { name: 'comp-bring' }, cachingOptions: {} },
          say: {
            taskInfo: { name: 'say' },
            componentRef: { name: 'comp-say' },
            cachingOptions: {},
            dependentTasks: ['bring'],
            inputs: {
              artifacts: { given: { taskOutputArtifact: { producerTask: 'bring', outputArtifactKey: 'artifact' } } },
            },
          },
        },
      },
    },
  };
}
