/**
 * `procref gc`
 *
 * @module
 */

import { Catalog } from "../../service/catalog.ts";
import { cleanUpSeats } from "../../group/clean_up.ts";
import type { FileCleanUp } from "../../kernel/file_clean_up.ts";
import { cleanUpRegistries, type RegistryCleanUp } from "../../registry/clean_up.ts";
import { cleanUpSemaphores } from "../../semaphore/clean_up.ts";
import { type CleanUp, cleanUp } from "../../service/clean_up.ts";
import { cleanUpCompileCache } from "../../service/compile_cache_clean_up.ts";
import { type Command, EXIT } from "../command.ts";
import { type Arguments, JSON_OPTION, WHERE } from "../options.ts";
import { withProgress } from "../progress.ts";
import { printable, type Terminal } from "../terminal.ts";

/** Removes leftovers. */
export const GC: Command = {
  name: "gc",
  usage: "[--dry-run] [--json]",
  summary: "remove what is left of services, registries, locks and groups that nobody uses",
  details:
    "Records of an earlier boot, services whose process has ended, directories without a record, hints of dead " +
    "clients, registries of services that nobody uses, files of lock, sem and hosts of groups that were killed, compiled programs that are unfinished or old.\nNothing is touched that is held, being started or stopped, supervised, or of another container.\n\n" +
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
    let registries: RegistryCleanUp[] = [];
    let files: FileCleanUp[] = [];
    await withProgress(terminal, () => "cleaning up", async () => {
      for (const entry of catalog.entries(true)) done.push(await cleanUp(entry, { uid: catalog.uid, dryRun }));
      // The others belong to one user.
      if (catalog.scope !== "user") return;
      const options = { user: catalog.uid, dryRun };
      registries = cleanUpRegistries(catalog.directory, options);
      files = [cleanUpSemaphores, cleanUpSeats].flatMap((clean) => clean(catalog.directory, options));
      files.push(...cleanUpCompileCache(options));
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
      const { directory } = catalog;
      const others = { registries: registries.map(withoutFailed), files: files.map(withoutFailed) };
      terminal.out(JSON.stringify({ procref: 1, directory, dryRun, services, ...others }, undefined, 2) + "\n");
    } else {
      terminal.out(
        [
          ...done.map((each) => describe(each, dryRun)),
          ...[...registries, ...files].map((each) => told(each, dryRun)),
        ].join(""),
      );
    }
    return [...done, ...registries, ...files].some(({ failed }) => failed) ? EXIT.failed : EXIT.ok;
  },
};

function describe({ status, removed, reason, hints }: CleanUp, dryRun: boolean): string {
  const would = dryRun ? "would remove" : "removed";
  const verdict = removed ? would : "kept";
  const hinted = hints === 0 ? "" : `; ${would} ${hints} hint${hints === 1 ? "" : "s"} of dead clients`;
  const namespace = status.namespace === "" ? "" : ` (${printable(status.namespace)})`;
  return `${verdict} ${printable(status.name)}${namespace}: ${printable(reason)}${hinted}\n`;
}

function told({ name, removed, reason }: RegistryCleanUp | FileCleanUp, dryRun: boolean): string {
  const verdict = removed ? dryRun ? "would remove" : "removed" : "kept";
  return `${verdict} ${printable(name)}: ${printable(reason)}\n`;
}

function withoutFailed<T extends { readonly failed: boolean }>({ failed: _, ...told }: T): Omit<T, "failed"> {
  return told;
}
