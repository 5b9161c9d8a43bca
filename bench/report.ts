/** What is printed, and whether all that was promised held. */

/** The result of one case in one runtime. */
export interface ResultLine {
  readonly name: string;
  readonly runtime: string;
  readonly medianNs: number;
  readonly p99Ns: number;
  /** The C pair that it is compared with; none for the C pairs themselves. */
  readonly beside?: string;
  readonly ratio?: number;
  readonly asked?: number;
}

const COLUMNS = ["name", "runtime", "median", "p99", "ratio to C", "asked", ""] as const;

/** Prints as it goes, and remembers what was broken. */
export class Report {
  #broken = 0;

  get broken(): number {
    return this.#broken;
  }

  say(text: string): void {
    console.log(text);
  }

  /** Prints results as a table; a ratio above what is asked is `OVER`. */
  table(lines: readonly ResultLine[]): void {
    const rows = [COLUMNS, ...lines.map((line) => this.#row(line))];
    const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
    for (const row of rows) {
      const cells = row.map((cell, at) => at > 1 && at < 4 ? cell.padStart(widths[at]) : cell.padEnd(widths[at]));
      this.say(cells.join("  ").trimEnd());
    }
  }

  /** Prints a promise and whether it was kept. */
  promise(what: string, kept: boolean): void {
    if (!kept) this.#broken++;
    this.say(`${kept ? "ok" : "BROKEN"}: ${what}`);
  }

  /** Prints a figure beside what is asked of it; one above that is `OVER`. */
  figure(what: string, value: number, asked: number, unit: string): void {
    const over = !(value <= asked);
    if (over) this.#broken++;
    this.say(`${over ? "OVER" : "ok"}: ${what}; asked <= ${asked} ${unit}`);
  }

  #row({ name, runtime, medianNs, p99Ns, beside, ratio, asked }: ResultLine): string[] {
    const times = [name, runtime, `${Math.round(medianNs)} ns`, `${Math.round(p99Ns)} ns`];
    if (ratio === undefined || asked === undefined) return [...times, "1", "", ""];
    const over = ratio > asked;
    if (over) this.#broken++;
    return [...times, `${ratio.toFixed(2)} x ${beside}`, `<= ${asked}`, over ? "OVER" : "ok"];
  }
}
