/**
 * `procref doctor`
 *
 * @module
 */

import { type Command, EXIT } from "../command.ts";
import { diagnose, type Finding } from "../diagnosis.ts";
import { type Arguments, JSON_OPTION, WHERE } from "../options.ts";
import { withProgress } from "../progress.ts";
import { type Paint, paint, printable, type Terminal } from "../terminal.ts";

const PAINTS: { readonly [V in Finding["verdict"]]: Paint } = { ok: "green", warning: "yellow", failed: "red" };

/** Checks whether services can be shared here. */
export const DOCTOR: Command = {
  name: "doctor",
  usage: "[--json]",
  summary: "check whether services can be shared here",
  details:
    "Says which mechanism counts and why, tries exclusion, kills a child of its own to see that the kernel takes " +
    "its\nreference back, and looks at directory, permissions and limits. In Deno it wants -A: what it may not check is a\n" +
    "warning, and services may be allowed less.\n\n" +
    "exit codes: 0 when all is well or there are only warnings, 1 when something failed",
  options: { ...JSON_OPTION, ...WHERE },
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    args.atMost(0);
    let current = "";
    const findings: Finding[] = [];
    const begin = (check: string): void => void (current = check);
    await withProgress(terminal, () => `checking ${current}`, async () => {
      for await (const finding of diagnose(args.where(), begin)) findings.push(finding);
    });
    const healthy = findings.every(({ verdict }) => verdict !== "failed");
    if (args.has("json")) terminal.out(JSON.stringify({ procref: 1, healthy, checks: findings }, undefined, 2) + "\n");
    else terminal.out(findings.map((finding) => describe(finding, terminal)).join(""));
    return healthy ? EXIT.ok : EXIT.failed;
  },
};

function describe({ check, verdict, message }: Finding, terminal: Terminal): string {
  return `${paint(terminal, PAINTS[verdict], verdict.padEnd(7))}  ${check.padEnd(13)}  ${printable(message)}\n`;
}
