/**
 * `procref logs`
 *
 * @module
 */

import { Catalog } from "../../service/catalog.ts";
import { ServiceLog } from "../../service/service_log.ts";
import { type Command, EXIT } from "../command.ts";
import { type Arguments, NAMESPACE, WHERE } from "../options.ts";
import { servicesLike } from "../similar_services.ts";
import type { Terminal } from "../terminal.ts";

/** Prints what a service wrote. */
export const LOGS: Command = {
  name: "logs",
  usage: "NAME [-f] [-n N]",
  summary: "print what a service wrote",
  details: "The log of a service that was started by a command, as far as it is kept. It goes with the service.\n\n" +
    "exit codes: 0; 1 when there is no log",
  options: {
    follow: { short: "f", help: "go on until the service is gone" },
    lines: { short: "n", value: "N", help: "only the last N lines" },
    ...NAMESPACE,
    ...WHERE,
  },
  async run(args: Arguments, terminal: Terminal): Promise<number> {
    const lines = args.number("lines") ?? Infinity;
    const catalog = new Catalog(args.where());
    const entry = catalog.entry(args.name(), args.text("namespace"));
    const { name, namespace, scope } = entry.object;
    using log = new ServiceLog(entry.store.directory, { scope, uid: catalog.uid });
    if (!log.exists()) {
      terminal.err(
        `procref: there is no log of ${name}: it is not running, or it was started by callbacks, which keep none\n` +
          servicesLike(catalog, { name, namespace }),
      );
      return EXIT.failed;
    }
    terminal.out(log.tail(lines));
    if (args.has("follow")) {
      const gone = (): boolean => {
        const { references, locked, seated } = entry.counter.snapshot();
        return references === 0 && !locked && !seated;
      };
      await log.follow((bytes) => terminal.out(bytes), gone);
    }
    return EXIT.ok;
  },
};
