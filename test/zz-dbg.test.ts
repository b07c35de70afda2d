import seedrandom from 'seedrandom';
import { it } from 'vitest';
import { reference } from '../src/engine/reference.js';
import { waferllmImages, lowerWaferllmLayer, setWaferllmToken, waferllmOptions } from '../src/lowering/waferllm.js';
import { createPlainDecoder } from '../src/model/plain.js';
import { randomWeights } from '../src/model/weights.js';
import { kernelWafer } from './kernel-programs.js';
import { layOut } from '../src/lowering/core-code.js';
import { waferllmBuffers } from '../src/lowering/waferllm/shape.js';
it('x', () => {
  const wafer = kernelWafer();
  const spec: any = { name: 'small', family: 'llama', dim: 22, layers: 1, heads: 4, kvHeads: 2, headDim: 6, ffn: 31, vocab: 19, ropeTheta: 10000, normEpsilon: 1e-5, tied: false, qkNorm: false, maxContext: 64, dtype: 'f32', weightBits: 32 };
  const weights = randomWeights(spec, seedrandom.alea('waferllm'));
  const P = 3;
  const o = (context: number) => waferllmOptions(spec, { context, maxPositions: 5, P, groups: 1, exact: true });
  const memory = waferllmImages(o(0), spec, weights.layers[0], { keys: [], values: [] });
  const d = createPlainDecoder(spec, weights);
  const x = (t: number) => weights.embedding.subarray(t * 22, t * 22 + 22);
  setWaferllmToken(o(0), spec, memory, x(3), 0);
  reference({ program: lowerWaferllmLayer(o(0), wafer), wafer, memory });
  d.step(3);
  const fresh = waferllmImages(o(1), spec, weights.layers[0], { keys: d.keys[0], values: d.values[0] });
  setWaferllmToken(o(1), spec, fresh, x(17), 1);
  setWaferllmToken(o(1), spec, memory, x(17), 1);
  const P2=0;const { buffers } = layOut(waferllmBuffers(o(1)));
  for (const b of buffers.filter((b) => b.preloaded)) for (let c = 0; c < 9; c++) {
    const [m, f] = [memory[c].subarray(b.at, b.at + b.length), fresh[c].subarray(b.at, b.at + b.length)];
    if (m.some((v, i) => Math.abs(v - f[i]) > 1e-5)) console.log(b.name, c, [...m], [...f]);
  }

  const { at } = layOut(waferllmBuffers(o(1)));
  reference({ program: lowerWaferllmLayer(o(1), wafer), wafer, memory });
  d.step(17);
  const get=(n:string,c:number,l:number)=>[...memory[c].subarray(at[n],at[n]+l)].map(v=>v.toFixed(4)).join(' ');
  console.log('keys1', [...d.keys[0][1]].map(v=>v.toFixed(4)).join(' '));
  for (const c of [3,4,5]) console.log(get('keys',c,16));
  for (const c of [0,1,2,3,4,5]) console.log('scores',c,get('scores',c,8), 'peak', get('peak',c,4),'total',get('total',c,4),'att',get('attended',c,8));
});
