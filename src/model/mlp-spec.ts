/** What the MLP of a layer is: one gated MLP, or experts and a router. */

export type MlpSpec = DenseSpec | ExpertsSpec;

/** down(act(gate x) * up x) */
export interface DenseSpec {
  kind: 'dense';
  inner: number;
  act: Act;
  /** Biases of gate, up and down. */
  bias: boolean;
}

export interface Act {
  fn: 'silu' | 'gelu-tanh';
  /** gate is at most this, up at most and at least it. */
  clamp?: number;
  /** silu's x * sigmoid(alpha x); 1 if not given. */
  alpha?: number;
  /** up + 1 in place of up. */
  plusOne?: boolean;
}

/** Each token goes through `topK` of `count` gated MLPs. */
export interface ExpertsSpec {
  kind: 'experts';
  count: number;
  topK: number;
  /** Inner width of one. */
  inner: number;
  act: Act;
  bias: boolean;
  router: RouterSpec;
  /** A gated MLP that every token goes through: its inner width; `gate`: multiplied by a sigmoid of its own. */
  shared?: { inner: number; gate: boolean };
  /** A dense MLP next to the experts with norms of its own, and its inner width. */
  parallel?: { inner: number };
}

export interface RouterSpec {
  /** Shares of all experts, of the chosen ones alone, or a sigmoid of each. */
  score: 'softmax' | 'softmax-of-top' | 'sigmoid';
  /** A bias of the logits, or of the choice alone. */
  bias: 'none' | 'logit' | 'choice';
  /** The weights of the chosen are divided by their sum. */
  renormalise: boolean;
  scale: number;
  /** Experts come in `count` groups, and only the best `keep` groups are chosen from. */
  groups?: { count: number; keep: number };
  /** Weights multiply the experts' input, not their output. */
  scalesInput: boolean;
  /** Reads the residual stream by a norm without weights and a scale for each element. */
  ownNorm: boolean;
  /** Each expert's weight is multiplied by a number of its own. */
  perExpertScale: boolean;
}
