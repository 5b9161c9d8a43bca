/**
 * Choosing a port for a service.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { PortRange, ServiceDescription } from "../service/service_description.ts";

/**
 * Chooses a free port. Somebody else may take it before the service does; whoever starts the service tries again then.
 *
 * @param taken the ports that turned out to be taken
 * @returns the port, or undefined for a service that has none
 * @throws ProcrefError `SERVICE_START` when none is free
 */
export async function choosePort(
  name: string,
  { port, host }: Pick<ServiceDescription, "port" | "host">,
  taken: ReadonlySet<number>,
): Promise<number | undefined> {
  if (port === undefined) return undefined;
  const isFree = async (candidate: number): Promise<boolean> =>
    !taken.has(candidate) && await freePort(host, candidate) !== undefined;
  if (port !== "auto") {
    for (let candidate = port.from; candidate <= port.to; candidate++) {
      if (await isFree(candidate)) return candidate;
    }
  }
  const any = await freePort(host, 0);
  if (any === undefined) throw noneFree(name, `no port of ${host} is free, or ${host} is no address of this machine`);
  if (port === "auto") return any;
  throw noneFree(name, inUse(host, port));
}

function inUse(host: string, { from, to }: PortRange): string {
  return from === to
    ? `port ${from} of ${host} is in use by somebody else; give another port, or port: "auto"`
    : `no port from ${from} to ${to} is free; give another range, or port: "auto"`;
}

function noneFree(name: string, why: string): ProcrefError {
  return new ProcrefError("SERVICE_START", `Cannot start "${name}": ${why}`, { details: { name, field: "port" } });
}

/** Listens for a moment; undefined when that is not possible. */
async function freePort(host: string, port: number): Promise<number | undefined> {
  const { createServer } = await import("node:net");
  return await new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
}
