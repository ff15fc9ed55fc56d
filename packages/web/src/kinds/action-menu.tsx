import { type DaisError, jsonSchemaOf, type JsonSchema, type KindAction, type KindSpec } from '@dais/api';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { valueText } from './column-value.ts';
import type { WhyNot } from './use-why-not.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Checkbox, Menu, Modal, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { KeyValue } from '#ui/key-value.tsx';

export interface ActionMenuProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly name: string;
}

/** The verbs of a kind other than create, update and delete. */
export function ActionMenu({ kind, project, name, whyNot }: ActionMenuProps & { readonly whyNot: WhyNot }) {
  const [chosen, setChosen] = useState<KindAction>();
  if (kind.actions.length === 0) return null;
  return (
    <>
      <Menu position="bottom-end" width={320} withinPortal={false}>
        <Menu.Target>
          <Button variant="default" rightSection={<Icon name="down" />}>
            Actions
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {kind.actions.map((action) => {
            const why = whyNot(action.verb);
            return (
              <Menu.Item
                key={action.verb}
                {...(why === undefined
                  ? {}
                  : { 'data-disabled': true, 'aria-disabled': true, closeMenuOnClick: false })}
                onClick={() => (why === undefined ? setChosen(action) : undefined)}
              >
                {action.verb}
                <div className="dim">{why ?? action.description}</div>
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
      {chosen !== undefined && (
        <ActionDialog kind={kind} project={project} name={name} action={chosen} close={() => setChosen(undefined)} />
      )}
    </>
  );
}

interface ActionDialogProps extends ActionMenuProps {
  readonly action: KindAction;
  readonly close: () => void;
}

function ActionDialog({ kind, project, name, action, close }: ActionDialogProps) {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const [input, setInput] = useState<Readonly<Record<string, unknown>>>({});
  const { mutate, data, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.action(kind.kind, name, action.verb, input),
  });
  const fields = Object.entries(jsonSchemaOf(action.input, 'input').properties ?? {});
  return (
    <Modal opened onClose={close} title={`${action.verb} ${name}`} size="lg">
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        <p>{action.description}</p>
        {fields.map(([key, schema]) => (
          <ActionField
            key={key}
            name={key}
            schema={schema}
            change={(value) => setInput((before) => ({ ...before, [key]: value }))}
          />
        ))}
        {error !== null && <ErrorNote error={error} />}
        {data !== undefined && (
          <div className="note note-ok" role="status">
            <KeyValue
              label="Result"
              pairs={Object.entries(data as object).map(([key, value]) => ({ key, value: valueText(value) }))}
            />
          </div>
        )}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Close
          </Button>
          <Button type="submit" loading={isPending}>
            {action.verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

interface ActionFieldProps {
  readonly name: string;
  readonly schema: JsonSchema;
  /** Undefined: omitted. */
  readonly change: (value: unknown) => void;
}

function ActionField({ name, schema, change }: ActionFieldProps) {
  if (schema.type === 'boolean') {
    return (
      <Checkbox
        label={name}
        description={schema.description}
        onChange={(event) => change(event.currentTarget.checked)}
      />
    );
  }
  const numeric = schema.type === 'integer' || schema.type === 'number';
  return (
    <TextInput
      label={name}
      description={schema.description}
      inputMode={numeric ? 'numeric' : 'text'}
      onChange={(event) => {
        const text = event.currentTarget.value;
        change(text === '' ? undefined : numeric ? Number(text) : text);
      }}
    />
  );
}
