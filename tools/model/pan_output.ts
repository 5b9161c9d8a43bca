/** What a verifier (`pan`, made by spin) printed. */

/** `unfinished`: not all states were looked at, so that nothing is known. */
export type Verdict = "ok" | "violation" | "unfinished";

export interface PanResult {
  readonly verdict: Verdict;
  /** How many different states were stored. */
  readonly states: number;
  readonly seconds: number;
  /** What was violated, or why the search is not finished. */
  readonly what: string;
}

/** Each of them means that states were left out, whatever else was printed. */
const INCOMPLETE = [
  /max search depth too small/,
  /reached -DMEMLIM bound/,
  /out of memory/,
  /VECTORSZ too small|value out of range|hashtable full/,
  /Bit statespace search/,
];
/** The models assert it where their own bounds do not suffice; it says nothing about the protocol. */
const BOUND_OF_MODEL = /assertion violated \(?0\)?(?= \(at depth)/;
const VIOLATION = /^pan:\d+: (.*?)(?: \(at depth \d+\))?$/m;

/** Reads what `pan` printed. Whatever is not known to be a finished search is `unfinished`. */
export function readPanOutput(text: string): PanResult {
  const states = Math.round(Number(/^\s*(\d[\d.e+]*) states, stored/m.exec(text)?.[1] ?? 0));
  const seconds = Number(/elapsed time ([\d.]+) seconds/.exec(text)?.[1] ?? 0);
  const result = (verdict: Verdict, what: string): PanResult => ({ verdict, states, seconds, what });

  const incomplete = INCOMPLETE.map((pattern) => pattern.exec(text)?.[0]).find((found) => found !== undefined);
  if (incomplete !== undefined) return result("unfinished", incomplete);
  const errors = /^State-vector .*\berrors: (\d+)$/m.exec(text)?.[1];
  if (errors === undefined) return result("unfinished", "it did not reach its end");
  if (BOUND_OF_MODEL.test(text)) return result("unfinished", "the model has no room for so many processes");
  const violation = VIOLATION.exec(text)?.[1];
  if (violation !== undefined && errors !== "0") return result("violation", violation);
  if (violation !== undefined || errors !== "0") return result("unfinished", `${errors} errors, unexplained`);
  if (/Search not completed/.test(text)) return result("unfinished", "search not completed");
  return states > 0 ? result("ok", "") : result("unfinished", "no states");
}
