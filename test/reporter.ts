/**
 * Closes a test run with the plain line `N passed, N failed`. A file that cannot be loaded and an
 * error outside any test count as failures.
 */
import { writeSync } from 'node:fs';
import type { Reporter } from 'vitest/reporters';
import type { TestModule, TestSuite } from 'vitest/node';

type Module = Pick<TestModule, 'errors'> & {
  children: Pick<TestModule['children'], 'allTests' | 'allSuites'>;
};

/** The closing line, without its line break. */
export function closingLine(
  modules: readonly Module[],
  unhandledErrors: readonly unknown[],
): string {
  let passed = 0;
  let failed = unhandledErrors.length;
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const state = test.result().state;
      if (state === 'passed') passed++;
      else if (state !== 'skipped') failed++;
    }
    failed += brokenSuites([module, ...module.children.allSuites()]);
  }
  return `${passed} passed, ${failed} failed`;
}

function brokenSuites(suites: Iterable<Pick<TestSuite | TestModule, 'errors'>>): number {
  let broken = 0;
  for (const suite of suites) if (suite.errors().length > 0) broken++;
  return broken;
}

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const line = closingLine(modules, unhandledErrors);
    // Other reporters write their summary after this one has been called.
    process.once('exit', () => writeSync(1, `${line}\n`));
  }
}
