/** What the adapter reads in the definition of a scorer, which MLflow's clients write as JSON. */
import { invalid } from '../wire/mlflow-error.ts';

const CODE_REFUSED =
  'Custom scorer registration (using @scorer decorator) is disabled by default outside of Databricks tracking environments due to security concerns. Custom scorers require arbitrary code execution during deserialization.\n\nManage your custom scorer code in a source code repository (e.g., GitHub) and import it directly, or use built-in scorers or make_judge() scorers instead.';

/** @throws MlflowError for invalid JSON, and for a scorer that contains code, because loading it would run the code. */
export function requireHarmless(text: string): void {
  let code = false;
  try {
    // A reviver sees every member, however deep, without going down itself.
    JSON.parse(text, (key, value: unknown) => {
      if (key === 'call_source' && value !== null) code = true;
      return value;
    });
  } catch {
    throw invalid('serialized_scorer must be valid JSON');
  }
  if (code) throw invalid(CODE_REFUSED);
}

/**
 * MLflow scores traces automatically only with judges that call a model of a gateway and need no expectations.
 * @throws MlflowError for other scorers.
 */
export function requireAutomatic(name: string, definition: string): void {
  const { model, instructions } = judgeOf(parsed(definition));
  if (typeof model !== 'string' || !model.startsWith('gateway:/')) {
    throw invalid(
      `Scorer '${name}' does not use a gateway model. Automatic evaluation is only supported for scorers that use gateway models.`,
    );
  }
  if (typeof instructions === 'string' && /\{\{\s*expectations\s*\}\}/.test(instructions)) {
    throw invalid(
      `Scorer '${name}' requires expectations, but scorers with expectations are not currently supported for automatic evaluation.`,
    );
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Members with the model of a scorer, by its class. */
const JUDGES = ['instructions_judge_pydantic_data', 'builtin_scorer_pydantic_data', 'third_party_scorer_data'];
/** A judge with memory contains another judge. MLflow creates one level. */
const DEEPEST = 4;

function judgeOf(definition: unknown, depth = 0): Json {
  if (!isMap(definition) || depth > DEEPEST) return {};
  const judge = JUDGES.map((key) => definition[key]).find(isMap);
  if (judge !== undefined) return judge;
  const { memory_augmented_judge_data: memory } = definition;
  return isMap(memory) ? judgeOf(memory['base_judge'], depth + 1) : {};
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
