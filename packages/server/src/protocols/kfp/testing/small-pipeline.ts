import { SYSTEM_IMAGE } from './kfp-fixture.ts';

/** Returns a pipeline with one task that runs `script` in a shell and outputs the file `data`. */
export function smallPipeline(
  script: string,
  {
    name = 'small',
    image = SYSTEM_IMAGE,
    type = 'system.Dataset',
  }: { readonly name?: string; readonly image?: string; readonly type?: string } = {},
) {
  return {
    pipelineInfo: { name, description: 'As small as can be.' },
    schemaVersion: '2.1.0',
    sdkVersion: 'kfp-2.15.2',
    deploymentSpec: {
      executors: {
        'exec-say': {
          container: {
            image,
            command: ['sh', '-ec', script],
            args: ["{{$.inputs.parameters['word']}}", "{{$.outputs.artifacts['data'].path}}"],
          },
        },
      },
    },
    components: {
      'comp-say': {
        executorLabel: 'exec-say',
        inputDefinitions: { parameters: { word: { parameterType: 'STRING' } } },
        outputDefinitions: {
          artifacts: { data: { artifactType: { schemaTitle: type, schemaVersion: '0.0.1' } } },
        },
      },
    },
    root: {
      inputDefinitions: { parameters: { word: { parameterType: 'STRING', defaultValue: 'hello' } } },
      dag: {
        tasks: {
          say: {
            taskInfo: { name: 'say' },
            componentRef: { name: 'comp-say' },
            cachingOptions: {},
            inputs: { parameters: { word: { componentInputParameter: 'word' } } },
          },
        },
      },
    },
  };
}

/** Writes the text into the file. */
export const WRITES = 'printf %s "$0" > "$1"';
/** Reports metrics as `dsl.Metrics` does, in the metadata of an artifact without a file. */
export const MEASURES = `printf %s '{"artifacts":{"data":{"artifacts":[{"name":"data","metadata":{"accuracy":0.875,"best":"b"}}]}}}' > outputs/executor_output.json`;
export const FAILS = 'echo no >&2; exit 3';
export const WAITS = 'sleep 600';
