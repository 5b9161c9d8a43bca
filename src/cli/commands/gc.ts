/**
 * `procref gc`
 *
 * @module
 */

import { Catalog } from "../../service/catalog.ts";
import { type CleanUp, cleanUp } from "../../service/clean_up.ts";
import { type Command, EXIT } from "../command.ts";
import { type Arguments, JSON_OPTION, WHERE } from "../options.ts";
import { withProgress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

/** Removes leftovers. */
export const GC: Command = {
  name: "gc",
  usage: "[--dry-run] [--json]",
  summary: "remove what is left of services that nobody holds",
  details:
    "Records of an earlier boot, services whose process has ended, directories without a record, hints of dead " +
    "clients.\nNothing is touched that is held, being started or stopped, supervised, or of another container.\n\n" +
    "exit codes: 0; 1 when something could not be removed",
  options: {
    "dry-run": { short: "n", help: "say what would be removed, and touch nothing" },
    ...JSON_OPTION,
    ...WHERE,
  },
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    args.atMost(0);
    const catalog = new Catalog(args.where());
    const dryRun = args.has("dry-run");
    const done: CleanUp[] = [];
    await withProgress(terminal, () => "cleaning up", async () => {
      for (const entry of catalog.entries(true)) done.push(await cleanUp(entry, { uid: catalog.uid, dryRun }));
    });
    if (args.has("json")) {
      const services = done.map(({ status, removed, reason, hints }) => ({
        name: status.name,
        namespace: status.namespace,
        directory: status.directory,
        removed,
        reason,
        hints,
      }));
      const report = { procref: 1, directory: catalog.directory, dryRun, services };
      terminal.out(JSON.stringify(report, undefined, 2) + "\n");
    } else {
      terminal.out(done.map((each) => describe(each, dryRun)).join(""));
    }
    return done.some(({ failed }) => failed) ? EXIT.failed : EXIT.ok;
  },
};

function describe({ status, removed, reason, hints }: CleanUp, dryRun: boolean): string {
  const would = dryRun ? "would remove" : "removed";
  const verdict = removed ? would : "kept";
  const hinted = hints === 0 ? "" : `; ${would} ${hints} hint${hints === 1 ? "" : "s"} of dead clients`;
  const namespace = status.namespace === "" ? "" : ` (${printable(status.namespace)})`;
  return `${verdict} ${printable(status.name)}${namespace}: ${printable(reason)}${hinted}\n`;
}
