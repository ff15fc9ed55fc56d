import { SyntaxKind } from 'typescript/unstable/ast';
import { truthy, type Value } from './values.ts';

/** Undefined for an operator that no statement uses, or operands that it does not take. */
export function applyOperator(operator: SyntaxKind, a: Value, b: Value): Value {
  switch (operator) {
    case SyntaxKind.EqualsEqualsEqualsToken:
      return a === b;
    case SyntaxKind.ExclamationEqualsEqualsToken:
      return a !== b;
    case SyntaxKind.AmpersandAmpersandToken:
      return truthy(a) ? b : a;
    case SyntaxKind.BarBarToken:
      return truthy(a) ? a : b;
    case SyntaxKind.PlusToken:
      return typeof a === 'number' && typeof b === 'number' ? a + b : concatenated(a, b);
    default:
      return typeof a === 'number' && typeof b === 'number' ? calculated(operator, a, b) : undefined;
  }
}

function concatenated(a: Value, b: Value): string | undefined {
  return isText(a) && isText(b) ? `${a}${b}` : undefined;
}

function isText(value: Value): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function calculated(operator: SyntaxKind, a: number, b: number): number | boolean | undefined {
  switch (operator) {
    case SyntaxKind.MinusToken:
      return a - b;
    case SyntaxKind.AsteriskToken:
      return a * b;
    case SyntaxKind.AsteriskAsteriskToken:
      return a ** b;
    case SyntaxKind.SlashToken:
      return a / b;
    case SyntaxKind.GreaterThanToken:
      return a > b;
    default:
      return undefined;
  }
}
