/**
 * Daemons of a test's own: every one a child of this process, in the foreground, with a folder and ports of its own,
 * stopped by its number. Nothing of the system's is used or touched, so that tests may run side by side.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Is a program of this name installed? Daemons are in folders that not every PATH has. */
export function isInstalled(...programs: string[]): boolean {
  return programs.every(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env }).status === 0,
  );
}

const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/local/sbin` };

/** A folder and the daemons that live in it. */
export class Daemons {
  readonly folder: string;
  private readonly children: ChildProcess[] = [];

  constructor(name: string) {
    this.folder = mkdtempSync(join(tmpdir(), `wafersim-${name}-`));
  }

  /** Starts a program that stays in the foreground; what it says goes to `NAME.out` in the folder. */
  start(name: string, program: string, args: string[], more: Record<string, string> = {}): void {
    const output = openSync(join(this.folder, `${name}.out`), 'a');
    const stdio = ['ignore', output, output] as const;
    this.children.push(spawn(program, args, { stdio: [...stdio], env: { ...env, ...more } }));
    closeSync(output);
  }

  /** Waits until `isReady`; a daemon that ends meanwhile, or takes too long, throws with what it said. */
  async ready(name: string, isReady: () => boolean | Promise<boolean>): Promise<void> {
    for (let waited = 0; !(await isReady()); waited += 50) {
      const hasEnded = this.children.some(({ exitCode, signalCode }) => exitCode ?? signalCode);
      if (hasEnded || waited > 20_000)
        throw new Error(`${name} does not start: ${this.said(name)}`);
      await setTimeout(50);
    }
  }

  private said(name: string): string {
    return readFileSync(join(this.folder, `${name}.out`), 'utf8').slice(-2000);
  }

  /** Ends them, the last one first, and removes the folder. */
  async stop(): Promise<void> {
    for (const child of this.children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([ended, setTimeout(5000, undefined, { ref: false })]);
      child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Ports that were free a moment ago, one after another. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
        }),
    ),
  );
  for (const server of servers) server.close();
  return ports;
}
