/**
 * `procref status`
 *
 * @module
 */

import { existsSync } from "node:fs";
import { Catalog } from "../../service/catalog.ts";
import { type Command, EXIT } from "../command.ts";
import { durationText } from "../durations.ts";
import { type Arguments, JSON_OPTION, NAMESPACE, WHERE } from "../options.ts";
import { describeHolders, held, paintState, reportOf, type ServiceReport } from "../service_report.ts";
import { servicesLike } from "../similar_services.ts";
import { commandText, paint, printable, type Terminal } from "../terminal.ts";

/** Shows one service. */
export const STATUS: Command = {
  name: "status",
  usage: "NAME [--json]",
  summary: "show one service and who holds it",
  details: "Who holds it is what the clients say of themselves, for people; the references are what the kernel " +
    "counts.\nA procref run is shown by its client: its words after --.\n\nexit codes: 0 running, 3 not running, 1 when procref failed",
  options: { ...JSON_OPTION, ...NAMESPACE, ...WHERE },
  run(args: Arguments, terminal: Terminal): number {
    const catalog = new Catalog(args.where());
    const status = catalog.entry(args.name(), args.text("namespace")).look();
    const attended = status.references > 0 || status.locked || status.seated;
    const report = reportOf(status, attended || existsSync(status.directory));
    if (args.has("json")) terminal.out(JSON.stringify({ procref: 1, ...report }, undefined, 2) + "\n");
    else terminal.out(describe(report, terminal) + (report.state === "stopped" ? servicesLike(catalog, report) : ""));
    return report.state === "running" ? EXIT.ok : EXIT.notRunning;
  },
};

function describe(service: ServiceReport, terminal: Terminal): string {
  const { state, pid, command, port, uptimeMs, problem, failure, supervisor } = service;
  const up = uptimeMs === null ? "" : `, for ${durationText(uptimeMs)}`;
  const lines = [
    ["name", printable(service.name)],
    ["namespace", printable(service.namespace)],
    ["state", paintState(terminal, state) + up],
    ["process", pid === null ? "" : `${pid}${command === null ? ", which has ended" : `  ${commandText(command)}`}`],
    ["address", port === null ? "" : printable(`${service.host}:${port}`)],
    ...Object.entries(service.metadata).map(([key, value]) => ["metadata", `${printable(key)}=${printable(value)}`]),
    ["references", state === "stopped" ? "" : held(service.references)],
    ["supervisor", supervisor === null ? "" : `${supervisor}`],
    ["failure", failure === null ? "" : failure.message.split("\n").map(printable).join("\n            ")],
    ["problem", problem === null ? "" : printable(problem.message)],
  ].filter(([, value]) => value !== "");
  const text = lines.map(([key, value]) => `${paint(terminal, "dim", key.padEnd(10))}  ${value}\n`).join("");
  return service.holders.length === 0 ? text : `${text}\n${describeHolders(terminal, service)}`;
}
