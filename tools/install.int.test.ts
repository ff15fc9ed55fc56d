import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
