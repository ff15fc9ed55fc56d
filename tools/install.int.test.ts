import { existsSync, mkdirSync, mkdtempSync, rmSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dropOtherPlatforms } from './install.mjs';

test('libraries of other platforms are dropped, and only they', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dais-install-'));
  const locate = (platform: string, cpu: string) =>
    join(folder, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', platform, cpu);
  const own = locate(process.platform, process.arch);
  const others = [locate(process.platform, 'mips'), locate('plan9', process.arch)];
  for (const one of [own, ...others]) mkdirSync(join(one, 'inside'), { recursive: true });
  dropOtherPlatforms(folder);
  expect([join(own, 'inside'), ...others].map((one) => existsSync(one))).toEqual([true, false, false]);
  rmSync(folder, { recursive: true });
});

test('the launcher imports only JavaScript and modules of Node, because it runs on Node 20 and before npm ci', () => {
  const files = [new URL('runtime.mjs', import.meta.url).href];
  const others: string[] = [];
  for (const at of files) {
    for (const [, from = ''] of readFileSync(new URL(at), 'utf8').matchAll(
      /^(?:import|export) .*? from '([^']+)';$/gms,
    )) {
      const target = new URL(from, at).href;
      if (/^\..*\.mjs$/.test(from) && !files.includes(target)) files.push(target);
      else if (!/^(node:|\..*\.mjs$)/.test(from)) others.push(`${at}: ${from}`);
    }
  }
  expect(others).toEqual([]);
  expect(files.some((file) => file.endsWith('/process-lock.mjs'))).toBe(true);
});
