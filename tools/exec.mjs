#!/usr/bin/env node
/** Runs a program of node_modules/.bin, or a file, on the Node of Dais: node tools/exec.mjs vitest run --project unit PATH */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './command.mjs';
import { environment } from './environment.mjs';
import { continueOnPinnedNode, runInTerminal } from './runtime.mjs';

const announce = (/** @type {string} */ text) => void process.stderr.write(text);

/** @param {readonly string[]} words */
async function main([program, ...args]) {
  if (program === undefined) {
    process.stderr.write('usage: node tools/exec.mjs PROGRAM [ARGUMENTS]\n');
    return 2;
  }
  const continued = await continueOnPinnedNode(announce);
  if (continued !== undefined) return continued;
  const installed = join(root, 'node_modules', '.bin');
  const env = { ...environment, PATH: `${installed}${delimiter}${environment.PATH ?? ''}` };
  const own = join(installed, program);
  return await runInTerminal(existsSync(own) ? own : program, args, env);
}

process.exitCode = await main(process.argv.slice(2));
