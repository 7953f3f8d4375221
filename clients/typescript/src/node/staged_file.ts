/** A file that gets its name only when it is whole, and keeps what it has when a download stops. */

import { createHash, type Hash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

const READ_BYTES = 1024 * 1024;

/**
 * The hidden file beside `target` in which bytes grow.
 *
 * Opening it hashes what an earlier download left, so that only the rest is fetched. While another
 * process of this machine fills it, this one fills a file of its own from the start.
 */
export class StagedFile {
  sizeBytes = 0;
  #sha256: Hash = createHash("sha256");

  private constructor(
    private readonly target: string,
    private readonly path: string,
    private readonly file: FileHandle,
    private readonly lock: string | undefined,
  ) {}

  /** @param key `sha256:<hex>` that names what is fetched; the same key goes on where it stopped. */
  static async open(target: string, key: string): Promise<StagedFile> {
    const whole = resolve(target);
    await mkdir(dirname(whole), { recursive: true });
    const hidden = join(dirname(whole), `.${basename(whole)}.${key.slice(7, 23)}.part`);
    const lock = await locked(`${hidden}.lock`);
    const path = lock ? hidden : `${hidden}.${process.pid}.${performance.now()}`;
    const file = await open(path, "a+");
    const staged = new StagedFile(whole, path, file, lock);
    await staged.#count();
    return staged;
  }

  /** `sha256:<hex>` of the bytes so far. */
  get digest(): string {
    return `sha256:${this.#sha256.copy().digest("hex")}`;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.file.appendFile(bytes);
    this.#sha256.update(bytes);
    this.sizeBytes += bytes.length;
  }

  /** Forgets all bytes: an earlier download left wrong ones. */
  async restart(): Promise<void> {
    await this.file.truncate();
    this.#sha256 = createHash("sha256");
    this.sizeBytes = 0;
  }

  /** Removes the hidden file. */
  async discard(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** Gives the file its name, after its bytes are on the disk. */
  async commit(): Promise<void> {
    await this.file.sync();
    await rename(this.path, this.target);
    if (process.platform === "win32") return;
    const folder = await open(dirname(this.target), "r");
    await folder.sync().finally(() => folder.close());
  }

  async close(): Promise<void> {
    await this.file.close();
    if (this.lock) await rm(this.lock, { force: true });
    else await this.discard();
  }

  async #count(): Promise<void> {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { bytesRead } = await this.file.read(buffer, 0, READ_BYTES, this.sizeBytes);
      if (bytesRead === 0) return;
      this.#sha256.update(buffer.subarray(0, bytesRead));
      this.sizeBytes += bytesRead;
    }
  }
}

/** Returns the lock's path where it is ours now; a lock of a process that ended is taken over. */
async function locked(path: string): Promise<string | undefined> {
  for (let attempts = 0; attempts < 2; attempts++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid)).finally(() => file.close());
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(await readFile(path, "utf8").catch(() => ""));
    if (holder && isAlive(holder)) return undefined;
    await rm(path, { force: true });
  }
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
