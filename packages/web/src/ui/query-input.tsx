import { TextInput } from '@mantine/core';
import { useEffect, useId, useMemo, useRef, useState, type Ref } from 'react';
import type { QueryCompletion } from './query-completion.ts';
import './filter-bar.css';
import './query-input.css';

/** Delay after the last key press: an incomplete filter is not an error yet. */
const PAUSE_MS = 500;

export interface QueryProblem {
  /** Characters from the start of the text. */
  readonly start: number;
  readonly length: number;
  readonly message: string;
}

export interface QueryInputProps {
  readonly label: string;
  /** The applied text. */
  readonly value: string;
  /** Called only with valid texts. */
  readonly onValue: (value: string) => void;
  readonly check: (text: string) => QueryProblem | undefined;
  /** Completions at the end of `before`, the text up to the caret. */
  readonly complete: (before: string) => QueryCompletion;
  readonly placeholder: string;
  readonly inputRef?: Ref<HTMLInputElement>;
}

/** A single-line query editor with completion and marked errors. */
export function QueryInput(props: QueryInputProps) {
  const { label, value, onValue, check, complete, placeholder, inputRef } = props;
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  const [caret, setCaret] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const [shift, setShift] = useState(0);
  const settled = useSettled(text);
  const id = useId();
  if (value !== seen) {
    setSeen(value);
    setText(value);
  }
  const problem = useMemo(() => (settled ? check(text) : undefined), [settled, text, check]);
  const { from, choices } = useMemo(
    () => (open ? complete(text.slice(0, caret)) : { from: 0, choices: [] }),
    [open, complete, text, caret],
  );
  const latest = useRef(onValue);
  useEffect(() => {
    latest.current = onValue;
  });
  useEffect(() => {
    if (settled && problem === undefined && text !== value) latest.current(text);
  }, [settled, problem, text, value]);
  const take = (input: HTMLInputElement, at: number) => {
    const insert = choices[at]?.insert;
    if (insert === undefined) return;
    const before = text.slice(0, from) + insert;
    // The text may already have a space after the completion.
    const rest = text.slice(caret);
    setText(before + (before.endsWith(' ') ? rest.trimStart() : rest));
    setCaret(before.length);
    setActive(-1);
    input.focus();
    requestAnimationFrame(() => input.setSelectionRange(before.length, before.length));
  };
  const press = (event: React.KeyboardEvent<HTMLInputElement>) => {
    const listed = open && choices.length > 0;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (listed && by !== undefined) {
      setActive((active + by + choices.length + (active < 0 && by < 0 ? 1 : 0)) % choices.length);
    } else if (listed && (event.key === 'Tab' || event.key === 'Enter') && active >= 0) {
      take(event.currentTarget, active);
    } else if (event.key === 'Enter') {
      setOpen(false);
      if (check(text) === undefined) onValue(text);
    } else if (event.key === 'Escape' && open) setOpen(false);
    else if (event.key === 'Escape') event.currentTarget.blur();
    else if (by !== undefined) setOpen(true);
    else return;
    event.preventDefault();
  };
  const listed = open && choices.length > 0;
  return (
    <div className="query">
      <TextInput
        ref={inputRef}
        aria-label={label}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={listed}
        aria-controls={`${id}-list`}
        aria-activedescendant={listed && active >= 0 ? `${id}-${active}` : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-wrong`}
        classNames={{ input: 'filter-input' }}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          setCaret(currentTarget.selectionStart ?? currentTarget.value.length);
          setActive(-1);
          setOpen(true);
        }}
        onSelect={({ currentTarget }) => setCaret(currentTarget.selectionStart ?? 0)}
        onScroll={({ currentTarget }) => setShift(currentTarget.scrollLeft)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
      />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label={`Suggestions for ${label}`}
        className="query-list"
        hidden={!listed}
      >
        {choices.map((one, at) => (
          <div
            key={one.label}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            ref={at === active ? showOption : undefined}
            onMouseDown={(event) => {
              event.preventDefault();
              const input = event.currentTarget.closest('.query')?.querySelector('input');
              if (input != null) take(input, at);
            }}
          >
            <code>{one.label}</code>
            {one.detail !== undefined && <span className="dim">{one.detail}</span>}
          </div>
        ))}
      </div>
      {problem !== undefined && (
        <div id={`${id}-wrong`} className="filter-wrong query-wrong" role="alert">
          <span aria-hidden="true" style={{ marginLeft: -shift }}>
            {' '.repeat(problem.start)}
            {'~'.repeat(Math.max(1, problem.length))}
          </span>
          <span>{problem.message}</span>
        </div>
      )}
    </div>
  );
}

function showOption(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}

/** False for a moment after each change. */
function useSettled(text: string): boolean {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled === text;
}
