import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, loadHardware } from '../src/config.js';
import { complaint, complaintAbout, SMALL, temporaryFolder, TINY } from './config-files.js';

const folder = temporaryFolder();
afterAll(folder.remove);

describe('a wrong value is one line with its place', () => {
  const integer = (min: number) => `expected an integer, at least ${min}, at most 1000000000`;

  it.each([
    [
      'workload:\n  contxt: 3\n',
      '4:3: workload.contxt: expected a known key, found an unknown one; did you mean context?',
    ],
    [
      'speed: 3\n',
      '3:1: speed: expected one of hardware, model, mapping, exact, workload, placement, serving, transport, economics, scenarios, deployments, found an unknown key',
    ],
    [
      'constructor: 3\n',
      '3:1: constructor: expected one of hardware, model, mapping, exact, workload, placement, serving, transport, economics, scenarios, deployments, found an unknown key',
    ],
    ['workload:\n  context: many\n', `4:12: workload.context: ${integer(0)}, found "many"`],
    ['workload:\n  context: -1\n', `4:12: workload.context: ${integer(0)}, found -1`],
    ['workload: {batch: 0}\n', `3:19: workload.batch: ${integer(1)}, found 0`],
    ['workload: {batch: 1.5}\n', `3:19: workload.batch: ${integer(1)}, found 1.5`],
    ['workload: {batch: .inf}\n', `3:19: workload.batch: ${integer(1)}, found Infinity`],
    ['workload:\n  data: 1\n', '4:9: workload.data: expected true or false, found 1'],
    ['workload: [1]\n', '3:11: workload: expected a mapping, found a list'],
    ['workload:\n', '3:10: workload: expected a mapping, found nothing'],
    [
      'placement: {strategy: spiral}\n',
      '3:23: placement.strategy: expected row-major or snake or hilbert or greedy or anneal or optimal, found "spiral"',
    ],
    [
      'exact: true\n',
      '3:8: exact: expected false with mapping: gqa, which is exact as it is, found true',
    ],
  ])('%j', (lines, message) => {
    expect(complaintAbout(lines, folder)).toBe(`run.yaml:${message}`);
  });

  it.each([
    [
      'fabric: {hopCycles: 0}',
      'expected a number of cycles, an integer, at least 1, at most 1024, found 0',
    ],
    ['fabric: {queueDepth: 0}', 'expected a number, an integer, at least 1, at most 256, found 0'],
    [
      'core: {sram: 48 kHz}',
      'expected memory such as 48 KiB, at least 1, at most 1099511627776, found "48 kHz"',
    ],
    [
      'core: {sram: 48 KiB/s}',
      'expected memory such as 48 KiB, at least 1, at most 1099511627776, found "48 KiB/s"',
    ],
    [
      'core: {sram: 1 bit}',
      'expected memory such as 48 KiB, at least 1, at most 1099511627776, found "1 bit"',
    ],
    [
      'clock: 1 W',
      'expected a frequency such as 1.0 GHz, at least 1000000, at most 100000000000, found "1 W"',
    ],
    [
      'clock: 0',
      'expected a frequency such as 1.0 GHz, at least 1000000, at most 100000000000, found 0',
    ],
    [
      'clock: fast',
      'expected a frequency such as 1.0 GHz, at least 1000000, at most 100000000000, found "fast"',
    ],
    ['power: -1 kW', 'expected a power such as 23 kW, above 0, at most 1000000000, found "-1 kW"'],
    [
      'wafers: many',
      'expected a number, an integer, at least 1, at most 4096, or auto, found "many"',
    ],
    ['width: 4097', 'expected a number, an integer, at least 1, at most 4096, found 4097'],
    [
      'width: 10 cores',
      'expected a number, an integer, at least 1, at most 4096, found "10 cores"',
    ],
    [
      'costs: {scalar: {exp: 1.5}}',
      'expected a number of cycles, an integer, at least 0, at most 1000000, found 1.5',
    ],
    [
      'costs: {matvec: {widenPerCycle: 0}}',
      'expected a number per cycle, at least 0.001, at most 1024, found 0',
    ],
    ['clock: {value: 1 GHz, source: x, grade: Z}', 'expected A, B, C or D, found "Z"'],
    [
      'clock: {value: 1 GHz, range: [2 GHz, 3 GHz]}',
      'expected a range [low, high] around 1000000000, found a list',
    ],
    [
      'clock: {value: 1 GHz, sauce: x}',
      'expected a known key, found an unknown one; did you mean source?',
    ],
    [
      'clock: {source: x}',
      'expected a frequency such as 1.0 GHz, at least 1000000, at most 100000000000, found nothing',
    ],
  ])('hardware with %s', (line, message) => {
    const path = folder.write('bad.yaml', `extends: ${SMALL}\n${line}\n`);
    const found = complaint(() => loadHardware(path), folder);
    expect(found).toMatch(/^bad\.yaml:2:\d+: hardware\.[\w.]+: /);
    expect(found.replace(/^\S+ \S+ /, '')).toBe(message);
  });

  it('a misspelt key is reported before the key that it leaves missing', () => {
    const path = folder.write('typo.yaml', 'name: typo\nWIDHT: 4\n');
    expect(complaint(() => loadHardware(path), folder)).toBe(
      'typo.yaml:2:1: hardware.WIDHT: expected a known key, found an unknown one; did you mean width?',
    );
  });

  it('a missing key names the mapping that lacks it', () => {
    const path = folder.write('half.yaml', `name: half\nwidth: 4\nfabric:\n  colors: 3\n`);
    expect(complaint(() => loadHardware(path), folder)).toBe(
      'half.yaml:1:1: hardware.height: expected a number, an integer, at least 1, at most 4096, found nothing',
    );
    const empty = folder.write('empty.yaml', `model: ${TINY}\n`);
    expect(complaint(() => loadConfig(empty), folder)).toBe(
      'empty.yaml:1:1: hardware: expected the path of a hardware file or a mapping, found nothing',
    );
  });
});

describe('a wrong --set is named', () => {
  it.each([
    [
      'workload.contxt=3',
      'workload.contxt: expected a known key, found an unknown one; did you mean context?',
    ],
    [
      'hardware.fabric.HOPCYCLES=3',
      'hardware.fabric.HOPCYCLES: expected a known key, found an unknown one; did you mean hopCycles?',
    ],
    [
      'a.b.c=1',
      'a: expected one of hardware, model, mapping, exact, workload, placement, serving, transport, economics, scenarios, deployments, found an unknown key',
    ],
    [
      'hardware.fabric.hopCycles=0',
      'hardware.fabric.hopCycles: expected a number of cycles, an integer, at least 1, at most 1024, found 0',
    ],
    [
      'workload.batch=',
      'workload.batch: expected an integer, at least 1, at most 1000000000, found nothing',
    ],
    [
      'workload.batch.size=1',
      'workload.batch: expected an integer, at least 1, at most 1000000000, found a mapping',
    ],
    ['workload.context={a: 1}', 'workload.context: expected one value, found a collection'],
    ['workload', 'expected path=value, found "workload"'],
    ['=3', 'expected path=value, found "=3"'],
    ['workload..batch=3', 'expected path=value, found "workload..batch=3"'],
    ['__proto__.x=1', 'expected a known key, found __proto__'],
    ['model=no #1.json', 'model: expected the file no #1.json, found no such file'],
    ['model=# none', 'model: expected the file # none, found no such file'],
    [
      'workload.batch=3 # users',
      'workload.batch: expected an integer, at least 1, at most 1000000000, found "3 # users"',
    ],
    ['model=none#1.json', 'model: expected the file none#1.json, found no such file'],
    ['model="no #1.json"', 'model: expected the file no #1.json, found no such file'],
    ['model=none.json', 'model: expected the file none.json, found no such file'],
    ['model.weightBits=16', 'model.weightBits: expected 4, 8 or the 32 of f32, found 16'],
  ])('%s', (set, message) => {
    const sets = set.startsWith('model.w') ? ['model.dtype=f32', set] : [set];
    expect(complaintAbout('', folder, sets)).toBe(`--set ${set}: ${message}`);
  });
});

describe('a broken file', () => {
  it.each([
    ['a: [1,\n', /^run\.yaml:4:1: expected valid YAML, found: Flow sequence/],
    [
      'mapping: gqa\nmapping: gqa\n',
      /^run\.yaml:4:1: expected valid YAML, found: Map keys must be unique$/,
    ],
    ['workload: !!js/function x\n', /^run\.yaml:3:11: expected valid YAML, found: Unresolved tag/],
    ['workload: *w\n', /^run\.yaml:3:11: expected an anchor &w, found none$/],
    [
      '__proto__: {exact: true}\n',
      /^run\.yaml:3:1: __proto__: expected a known key, found __proto__$/,
    ],
    ['? [1]\n: 2\n', /^run\.yaml:1:1: expected plain keys, found a collection$/],
    [
      'workload: &w {a: *w}\n',
      /^run\.yaml:3:14: expected at most 100000 values, 64 deep, found more$/,
    ],
    [`x: ${'['.repeat(5000)}`, /^run\.yaml:3:\d+: expected values at most 64 deep/],
  ])('%j', (lines, message) => {
    expect(complaintAbout(lines, folder)).toMatch(message);
  });

  it('of aliases that multiply is refused, not unfolded', () => {
    const level = (i: number) => `  l${i}: &l${i} [${`*l${i - 1},`.repeat(9)}]\n`;
    const bomb = Array.from({ length: 12 }, (_, i) => level(i + 1)).join('');
    expect(complaintAbout(`workload:\n  l0: &l0 [x]\n${bomb}`, folder)).toMatch(/100000 values/);
  });

  it('that holds no mapping is refused', () => {
    const path = folder.write('list.yaml', '- 1\n');
    expect(complaint(() => loadConfig(path), folder)).toBe(
      'list.yaml:1:1: expected a mapping of keys, found a list',
    );
  });
});

describe('a missing file is named with the place that refers to it', () => {
  it('on the command line', () => {
    const message = complaint(() => loadConfig('none.yaml'), folder);
    expect(message).toBe('the command line: expected the file none.yaml, found no such file');
  });

  it('as hardware, as model and as the file extended', () => {
    const path = folder.write('a.yaml', `hardware: none.yaml\nmodel: ${TINY}\n`);
    expect(complaint(() => loadConfig(path), folder)).toBe(
      'a.yaml:1:11: hardware.extends: expected the file none.yaml, found no such file',
    );
    folder.write('a.yaml', `hardware: ${SMALL}\nmodel:\n  config: none.json\n`);
    expect(complaint(() => loadConfig(path), folder)).toBe(
      'a.yaml:3:11: model: expected the file none.json, found no such file',
    );
    folder.write('a.yaml', `extends: none.yaml\n`);
    expect(complaint(() => loadConfig(path), folder)).toBe(
      'a.yaml:1:10: extends: expected the file none.yaml, found no such file',
    );
  });

  it('a folder is no file', () => {
    const message = complaint(() => loadConfig(folder.path), folder);
    expect(message).toMatch(/found a directory$/);
  });

  it('a cycle of extends is refused, in configurations and in hardware', () => {
    folder.write('x.yaml', 'extends: y.yaml\n');
    const y = folder.write('y.yaml', 'extends: ./x.yaml\n');
    const message = 'expected no cycle, found y.yaml -> x.yaml -> y.yaml';
    expect(complaint(() => loadConfig(y), folder)).toBe(`x.yaml:1:10: extends: ${message}`);
    expect(complaint(() => loadHardware(y), folder)).toBe(
      `x.yaml:1:10: hardware.extends: ${message}`,
    );
  });
});

describe('a model file', () => {
  const withModel = (text: string) => {
    folder.write('m.json', text);
    const path = folder.write('m.yaml', `hardware: ${SMALL}\nmodel: m.json\n`);
    return complaint(() => loadConfig(path), folder);
  };

  it('cut short is one line with the place where it ends', () => {
    expect(withModel('{\n  "model_type": "llama",\n  "hidden_size"')).toBe(
      'm.json:3:16: expected JSON, found: Unexpected end of JSON input',
    );
    expect(withModel('{\n  "model_type": llama\n}')).toMatch(
      /^m\.json:2:17: expected JSON, found: Unexpected token 'l'$/,
    );
  });

  // The same words whatever version of Node runs.
  it.each([
    ['', '1:1', 'Unexpected end of JSON input'],
    ['{', '1:2', 'Unexpected end of JSON input'],
    ['{"a"', '1:5', 'Unexpected end of JSON input'],
    ['{"a":', '1:6', 'Unexpected end of JSON input'],
    ['{"a": 1', '1:8', 'Unexpected end of JSON input'],
    ['{"a": 1,', '1:9', 'Unexpected end of JSON input'],
    ['{"a": [1,\n', '2:1', 'Unexpected end of JSON input'],
    ['{"a": tru', '1:10', 'Unexpected end of JSON input'],
    ['{"a": "b', '1:9', 'Unexpected end of JSON input'],
    ['{"a" 1}', '1:6', "Expected ':' after property name"],
    ['{"a": 1 "b": 2}', '1:9', "Expected ',' or '}' after property value"],
    ['{"a": [1 2]}', '1:10', "Expected ',' or ']' after array element"],
    ['{"a": 1,}', '1:9', 'Expected double-quoted property name'],
    ["{'a': 1}", '1:2', "Expected property name or '}'"],
    ['{"a": tree}', '1:9', "Unexpected token 'e'"],
    ['{"a": 1} x', '1:10', 'Unexpected non-whitespace character after JSON'],
    ['# YAML', '1:1', "Unexpected token '#'"],
  ])('%j is no JSON at %s: %s', (text, at, what) => {
    expect(withModel(text)).toBe(`m.json:${at}: expected JSON, found: ${what}`);
  });

  it('that cannot be modelled is refused at the line of the field', () => {
    expect(withModel('{\n  "model_type": "qwen3",\n  "num_experts": 128\n}')).toMatch(
      /^m\.json:3:18: num_experts: .*128/,
    );
  });

  it('that lacks a field is refused by its name', () => {
    expect(withModel('{"model_type": "llama"}')).toMatch(/^m\.json:1:1: hidden_size: .*nothing$/);
    expect(withModel('[]')).toMatch(/^m\.json:1:1: /);
  });
});
