import { TextInput } from '@mantine/core';
import { useEffect, useRef, useState, type Ref } from 'react';
import './filter-bar.css';

/** Delay after the last key press, so that a list is not requested with each one. */
const PAUSE_MS = 250;

export interface PausingInputProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly onText?: (text: string) => void;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly placeholder: string;
  readonly className?: string;
  /** Id of the error message element. */
  readonly invalid?: string | undefined;
  readonly list?: string;
}

/** Reports its value after a pause, or immediately with Enter. */
export function PausingInput(props: PausingInputProps) {
  const { label, value, onValue, onText, inputRef, placeholder, className, invalid, list } = props;
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  // The URL changed by other means: a link, or the back button.
  if (value !== seen) {
    setSeen(value);
    setText(value);
    onText?.(value);
  }
  const latest = useRef(onValue);
  useEffect(() => {
    latest.current = onValue;
  });
  useEffect(() => {
    if (text === value) return undefined;
    const timer = setTimeout(() => latest.current(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  return (
    <TextInput
      ref={inputRef}
      aria-label={label}
      aria-invalid={invalid !== undefined}
      aria-describedby={invalid}
      classNames={{ input: 'filter-input', ...(className !== undefined && { root: className }) }}
      placeholder={placeholder}
      value={text}
      list={list}
      onChange={(event) => {
        setText(event.currentTarget.value);
        onText?.(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onValue(text);
        if (event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}
