import type { DaisError } from '@dais/api';
import { runPipelineOperation, type Execution, type PipelineGraph } from '@dais/api/executions';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { typedValues, valueText, type PipelineParameter } from './run-values.ts';
import { executionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Modal, Select, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import './pipelines.css';

export interface RunDialogProps {
  readonly project: string;
  readonly name: string;
  readonly graph: PipelineGraph;
  readonly close: () => void;
}

type Parameters = ReturnType<typeof runPipelineOperation.input.parse>['parameters'];

/** Asks for the parameters of a run, and opens the new run. */
export function RunDialog({ project, name, graph: { version, parameters }, close }: RunDialogProps) {
  const client = useClient(project);
  const navigate = useNavigate();
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const [isReported, setReported] = useState(false);
  const { values, problems } = typedValues(parameters, texts);
  const { mutate, isPending, error } = useMutation<Execution, DaisError>({
    mutationFn: async () =>
      await client.perform(runPipelineOperation, { name, version: version.id, parameters: values as Parameters }),
    onSuccess: (run) => {
      close();
      void navigate(executionAddress(project, run.id));
    },
  });
  const entries = Object.entries(parameters);
  return (
    <Modal opened onClose={close} title={`Run ${name}, version ${version.name}`}>
      <form
        className="pipeline-form"
        onSubmit={(event) => {
          event.preventDefault();
          setReported(true);
          if (Object.keys(problems).length === 0) mutate();
        }}
      >
        {entries.length === 0 && <p className="dim">The pipeline has no parameters.</p>}
        {entries.map(([key, parameter]) => (
          <ParameterField
            key={key}
            name={key}
            parameter={parameter}
            text={texts[key]}
            problem={isReported ? problems[key] : undefined}
            update={(text) => setTexts((before) => ({ ...before, [key]: text }))}
          />
        ))}
        {error !== null && <ErrorNote error={error} />}
        <div className="pipeline-form-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={isPending} data-autofocus>
            Start run
          </Button>
        </div>
      </form>
    </Modal>
  );
}

interface ParameterFieldProps {
  readonly name: string;
  readonly parameter: PipelineParameter;
  readonly text: string | undefined;
  readonly problem: string | undefined;
  readonly update: (text: string) => void;
}

function ParameterField({ name, parameter, text, problem, update }: ParameterFieldProps) {
  const { type, choices, description, default: usual } = parameter;
  const form = type === 'string' ? [] : [`${type}, as JSON`];
  const about = [...(description === undefined ? [] : [description]), ...form].join(' · ');
  const shared = {
    label: name,
    ...(about !== '' && { description: about }),
    ...(problem !== undefined && { error: problem }),
  };
  const options = type === 'boolean' ? (choices ?? [true, false]) : choices;
  if (options !== undefined) {
    return (
      <Select
        {...shared}
        data={options.map(valueText)}
        value={text ?? (usual === undefined ? null : valueText(usual))}
        onChange={(value) => update(value ?? '')}
        comboboxProps={{ withinPortal: false }}
      />
    );
  }
  return (
    <TextInput
      {...shared}
      value={text ?? (usual === undefined ? '' : valueText(usual))}
      onChange={(event) => update(event.currentTarget.value)}
    />
  );
}
