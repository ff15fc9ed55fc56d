/** A YAML editor: marks problems in the text and completes names. */
import { autocompletion, closeBrackets, completionKeymap, type CompletionContext } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import './yaml-editor.css';

/** One problem; positions are characters from the start of the text. */
export interface EditorProblem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface EditorChoice {
  readonly label: string;
  readonly detail?: string;
  /** Explanation in one sentence. */
  readonly info?: string;
  /** Default: the label. */
  readonly insert?: string;
}

export interface EditorCompletion {
  /** Start of the word at the cursor. */
  readonly from: number;
  readonly choices: readonly EditorChoice[];
}

export interface YamlEditorProps {
  readonly label: string;
  /** The initial text; `onChange` reports edits. */
  readonly initial: string;
  readonly onChange: (text: string) => void;
  /** Completion from the server can arrive later. */
  readonly check: (text: string) => readonly EditorProblem[] | Promise<readonly EditorProblem[]>;
  /** Problems of the current text from other sources; shown until the text changes. */
  readonly found?: readonly EditorProblem[] | undefined;
  readonly complete: (text: string, at: number) => Promise<EditorCompletion | undefined>;
  /** Called for Ctrl+Enter or ⌘+Enter. */
  readonly onSubmit: () => void;
  /** Nonce of the page's content policy. */
  readonly nonce: string;
}

export function YamlEditor(props: YamlEditorProps) {
  const location = useRef<HTMLDivElement>(null);
  const shown = useRef<EditorView>(undefined);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { initial, label, nonce, found } = props;
  useEffect(() => {
    const parent = location.current;
    if (parent === null) return undefined;
    const view = new EditorView({ parent, state: startState(initial, label, nonce, () => latest.current) });
    shown.current = view;
    view.focus();
    return () => view.destroy();
  }, [initial, label, nonce]);
  useEffect(() => {
    const view = shown.current;
    if (view === undefined || found === undefined) return;
    view.dispatch(setDiagnostics(view.state, diagnostics(found, view.state.doc.length)));
  }, [found]);
  return <div className="editor" ref={location} />;
}

function startState(initial: string, label: string, nonce: string, latest: () => YamlEditorProps): EditorState {
  return EditorState.create({
    doc: initial,
    extensions: [
      EditorView.cspNonce.of(nonce),
      lineNumbers(),
      history(),
      highlightActiveLine(),
      closeBrackets(),
      indentUnit.of('  '),
      yaml(),
      syntaxHighlighting(highlight),
      lintGutter(),
      linter(
        async (view) => {
          const own = await latest().check(view.state.doc.toString());
          // This replaces all diagnostics, which include those from other sources.
          return diagnostics([...own, ...(latest().found ?? [])], view.state.doc.length);
        },
        { delay: 250 },
      ),
      autocompletion({ override: [async (context) => await completionAt(context, latest())], icons: false }),
      keymap.of([
        {
          key: 'Mod-Enter',
          run: () => {
            latest().onSubmit();
            return true;
          },
        },
        ...completionKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        ...lintKeymap,
        // Tab indents, as in every editor; Escape, then Tab leaves, as the accessibility guide of the library
        // recommends.
        indentWithTab,
      ]),
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) latest().onChange(update.state.doc.toString());
      }),
      theme,
    ],
  });
}

function diagnostics(problems: readonly EditorProblem[], length: number): Diagnostic[] {
  return problems.map(({ from, to, message }) => ({
    from: Math.min(from, length),
    to: Math.min(Math.max(to, from), length),
    severity: 'error',
    message,
  }));
}

async function completionAt(context: CompletionContext, { complete }: YamlEditorProps) {
  const word = context.matchBefore(/[\w.-]*$/);
  if (!context.explicit && (word === null || word.from === word.to)) return null;
  const found = await complete(context.state.doc.toString(), context.pos);
  if (found === undefined || found.choices.length === 0) return null;
  return {
    from: found.from,
    options: found.choices.map(({ label, detail, info, insert }) => ({
      label,
      ...(detail !== undefined && { detail }),
      ...(info !== undefined && { info }),
      ...(insert !== undefined && { apply: insert }),
    })),
    validFor: /^[\w.-]*$/,
  };
}

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: 'var(--waiting)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--dim)', fontStyle: 'italic' },
  { tag: [tags.separator, tags.punctuation, tags.meta], color: 'var(--dim)' },
]);

const theme = EditorView.theme({
  '&': { fontSize: '12px', backgroundColor: 'var(--surface)', color: 'var(--ink)', height: '100%' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-gutters': { backgroundColor: 'var(--raised)', color: 'var(--dim)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '&.cm-focused': { outline: 'none' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--selected)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    color: 'var(--ink)',
    border: '1px solid var(--line-strong)',
    borderRadius: '4px',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--selected)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'var(--dim)', fontStyle: 'normal' },
  '.cm-completionInfo': { maxWidth: '320px', padding: '6px 8px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--failed)' },
});
