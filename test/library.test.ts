import { describe, expect, it } from 'vitest';
import { CapacityError, loadConfig, simulate } from '../src/index.js';

describe('the library', () => {
  it('simulates a configuration, with settings, and reports progress', async () => {
    const stages: string[] = [];
    const config = loadConfig('configs/tiny.yaml', ['workload.tokens=1']);
    const run = await simulate(config, { onProgress: ({ what }) => stages.push(what) });
    expect(run.schema).toBe('wafersim.run/1');
    expect(run.check?.passed).toBe(true);
    expect(run.host.wallSeconds).toBeGreaterThan(0);
    expect(stages).toEqual(['embedding', 'layer 0', 'layer 1', 'head']);
  });

  it('refuses a model that does not fit', async () => {
    const config = loadConfig('configs/tiny.yaml', ['hardware.width=2', 'hardware.height=2']);
    await expect(simulate(config)).rejects.toThrow(CapacityError);
  });
});
