/** A registry of JSR's kind on loopback, which has this package alone. */

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { MANIFEST, publishedFiles } from "./published.ts";

const { name, version, exports } = MANIFEST;

/** A registry that serves what would be published. Dispose it. */
export class JsrRegistry implements AsyncDisposable {
  /** What `JSR_URL` has to be. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: string[];
  readonly #server: Server;

  private constructor(server: Server, asked: string[]) {
    this.#server = server;
    this.asked = asked;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** Starts one on a free port. */
  static async start(): Promise<JsrRegistry> {
    const answers = answersOf(publishedFiles());
    const asked: string[] = [];
    const server = createServer(({ url = "" }, response) => {
      asked.push(url);
      const answer = answers.get(url);
      if (answer === undefined) return void response.writeHead(404).end();
      const type = url.endsWith(".json") ? "application/json" : url.endsWith(".md") ? "text/plain" : "text/typescript";
      response.writeHead(200, { "content-type": type }).end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new JsrRegistry(server, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answersOf(files: ReadonlyMap<string, Uint8Array>): Map<string, string | Uint8Array> {
  const manifest = Object.fromEntries([...files].map(([path, bytes]) => [path, {
    size: bytes.length,
    checksum: `sha256-${createHash("sha256").update(bytes).digest("hex")}`,
  }]));
  const [scope, rest] = name.slice(1).split("/");
  const base = `/${name}`;
  const answers = new Map<string, string | Uint8Array>();
  answers.set(`${base}/meta.json`, JSON.stringify({ scope, name: rest, latest: version, versions: { [version]: {} } }));
  answers.set(`${base}/${version}_meta.json`, JSON.stringify({ manifest, exports }));
  for (const [path, bytes] of files) answers.set(`${base}/${version}${path}`, bytes);
  return answers;
}
