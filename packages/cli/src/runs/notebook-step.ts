/** Runs a notebook as a command: it executes all cells in order and stores the result. Pure functions. */
import { DaisError } from '@dais/api';

export interface NotebookCommand {
  readonly command: readonly string[];
  /** Packages in addition to those of the notebook. */
  readonly requirements: readonly string[];
  /** Path of the executed notebook. */
  readonly executed: string;
}

/** The name of the output that has the executed notebook. */
export const NOTEBOOK_OUTPUT = 'notebook';
const FOLDER = 'executed';

/**
 * Prints which cell runs, and writes the notebook also when a cell fails. Parameters are inserted after the cell with
 * that tag.
 */
const PROGRAM = `
import json, os, sys
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
source, target, parameters = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
notebook = nbformat.read(source, as_version=4)
if parameters:
    lines = []
    for name, text in parameters.items():
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        lines.append(f"{name} = {value!r}")
    cell = nbformat.v4.new_code_cell("\\n".join(lines), metadata={"tags": ["injected-parameters"]})
    tagged = [at for at, one in enumerate(notebook.cells) if "parameters" in one.metadata.get("tags", [])]
    notebook.cells.insert(tagged[0] + 1 if tagged else 0, cell)
count = len(notebook.cells)
def report_cell(cell, cell_index):
    print(f"Cell {cell_index + 1} of {count}", flush=True)
client = NotebookClient(
    notebook, timeout=None, kernel_name="python3", on_cell_start=report_cell,
    resources={"metadata": {"path": os.path.dirname(source) or "."}},
)
code = 0
try:
    client.execute()
except CellExecutionError as error:
    print(error, file=sys.stderr)
    code = 1
os.makedirs(os.path.dirname(target), exist_ok=True)
nbformat.write(notebook, target)
sys.exit(code)
`;

export function isNotebook(command: readonly string[]): boolean {
  return command[0]?.endsWith('.ipynb') === true;
}

/** `train.ipynb rate=0.1`. @throws DaisError `invalid_request` */
export function notebookCommand([notebook = '', ...words]: readonly string[]): NotebookCommand {
  const parameters: Record<string, string> = {};
  for (const word of words) {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined) {
      const detail = `"${word}" is not a notebook parameter. Use NAME=VALUE, where VALUE is JSON or text.`;
      throw new DaisError('invalid_request', detail);
    }
    parameters[name] = value;
  }
  const executed = `${FOLDER}/${notebook.split('/').at(-1) ?? notebook}`;
  return {
    command: ['python', '-c', PROGRAM, notebook, executed, JSON.stringify(parameters)],
    requirements: ['nbclient', 'nbformat', 'ipykernel'],
    executed,
  };
}
