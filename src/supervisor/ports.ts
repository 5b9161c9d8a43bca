/**
 * Choosing a port for a service.
 *
 * @module
 */

import { ProcrefError } from "../errors.ts";
import type { PortRange, ServiceDescription } from "../service/service_description.ts";

/** What is known of a service's ports. */
export interface KnownPorts {
  /** The one to be tried first, if it is among those that the service may have. */
  readonly first: number | undefined;
  /** Those that turned out to be taken. */
  readonly taken?: ReadonlySet<number>;
}

/**
 * Chooses a free port. Somebody else may take it before the service does; whoever starts the service tries again then.
 *
 * @returns the port, or undefined for a service that has none
 * @throws ProcrefError `SERVICE_START` when none is free
 */
export async function choosePort(
  name: string,
  { port, host }: Pick<ServiceDescription, "port" | "host">,
  { first, taken = new Set() }: KnownPorts,
): Promise<number | undefined> {
  if (port === undefined) return undefined;
  const isFree = async (candidate: number): Promise<boolean> =>
    !taken.has(candidate) && await freePort(host, candidate) !== undefined;
  const mayBeFirst = first !== undefined && (port === "auto" || (port.from <= first && first <= port.to));
  if (mayBeFirst && await isFree(first)) return first;
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
