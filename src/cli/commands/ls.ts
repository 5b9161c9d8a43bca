/**
 * `procref ls`
 *
 * @module
 */

import { Catalog } from "../../service/catalog.ts";
import { type Command, EXIT } from "../command.ts";
import { durationText } from "../durations.ts";
import { type Arguments, JSON_OPTION, NAMESPACE, WHERE } from "../options.ts";
import { paintState, reportOf, type ServiceReport } from "../service_report.ts";
import { type Column, formatTable } from "../table.ts";
import { commandText, printable, type Terminal } from "../terminal.ts";

/** Lists the services. */
export const LS: Command = {
  name: "ls",
  usage: "[--json]",
  summary: "list the services of a state directory",
  details: "REFS is how many references live processes hold, as the kernel counts them.\n\n" +
    "exit codes: 0; 1 when procref failed",
  options: { ...JSON_OPTION, ...NAMESPACE, ...WHERE },
  run(args: Arguments, terminal: Terminal): number {
    args.atMost(0);
    const catalog = new Catalog(args.where());
    const namespace = args.text("namespace");
    const services = catalog.entries().map((entry) => reportOf(entry.look()))
      .filter((service) => namespace === undefined || service.namespace === namespace);
    if (args.has("json")) {
      terminal.out(JSON.stringify({ procref: 1, directory: catalog.directory, services }, undefined, 2) + "\n");
    } else if (services.length === 0) {
      terminal.err(`no services in ${catalog.directory}\n`);
    } else {
      terminal.out(tableOf(services, terminal));
    }
    return EXIT.ok;
  },
};

function tableOf(services: readonly ServiceReport[], terminal: Terminal): string {
  const named = services.some(({ namespace }) => namespace !== "");
  const columns: Column[] = [
    { title: "NAME", least: 8 },
    ...(named ? [{ title: "NAMESPACE", least: 9 }] : []),
    {
      title: "STATE",
      paint: (cell: string, text: string): string => paintState(terminal, text as ServiceReport["state"], cell),
    },
    { title: "PID", right: true },
    { title: "ADDRESS", least: 12 },
    { title: "REFS", right: true },
    { title: "UP", right: true },
    { title: "COMMAND", least: 8 },
  ];
  const rows = services.map((service) => [
    printable(service.name),
    ...(named ? [printable(service.namespace)] : []),
    service.state,
    service.pid === null ? "-" : String(service.pid),
    service.port === null ? "-" : printable(`${service.host}:${service.port}`),
    String(service.references),
    service.uptimeMs === null ? "-" : durationText(service.uptimeMs),
    service.command === null ? "-" : commandText(service.command),
  ]);
  return formatTable(columns, rows, terminal.columns);
}
