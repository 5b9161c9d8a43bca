/** Adds up what a task has seen, and prints the line that CI reads. */

import process from "node:process";
import type { Case } from "./junit.ts";

export class Tally {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** Counts and prints one check. */
  check(what: string, holds: boolean): void {
    console.log(`${holds ? "ok" : "FAILED"}: ${what}`);
    if (holds) this.passed++;
    else this.failed++;
  }

  /** Counts test cases. */
  add(cases: readonly Case[]): void {
    for (const { outcome } of cases) this[outcome]++;
  }

  /** Counts what another task has summed up; nothing, and false, where it has not. */
  addSumOf(said: string): boolean {
    const sum = /^total: (\d+) passed, (\d+) failed, (\d+) skipped$/m.exec(said);
    if (sum === null) return false;
    this.passed += Number(sum[1]);
    this.failed += Number(sum[2]);
    this.skipped += Number(sum[3]);
    return true;
  }

  /** Prints the sum and ends this process. */
  end(): never {
    console.log(`\ntotal: ${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`);
    process.exit(this.failed === 0 && this.passed > 0 ? 0 : 1);
  }
}
