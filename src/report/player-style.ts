/** How a player looks (page/player.ts), next to the style of all pages: states and colours of wavelets by Okabe and Ito. */
export const PLAYER_STYLE = `
.player { --state-compute: #0072b2; --state-setup: #6d7782; --state-waitInput: #d08900; --state-waitOutput: #c04a00;
  --state-idle: var(--line);
  --wavelet-0: #0072b2; --wavelet-1: #c04a00; --wavelet-2: #00805c; --wavelet-3: #b0568c;
  --wavelet-4: #1c1e21; --wavelet-5: #8a6a00; --wavelet-6: #2d93c8; --wavelet-7: #6b4fa0; }
@media (prefers-color-scheme: dark) {
  .player { --state-compute: #56b4e9; --state-setup: #8d97a3; --state-waitInput: #e69f00; --state-waitOutput: #f07a3c;
    --wavelet-0: #56b4e9; --wavelet-1: #f07a3c; --wavelet-2: #2fc79b; --wavelet-3: #e08fc0;
    --wavelet-4: #e4e6e9; --wavelet-5: #f0e442; --wavelet-6: #8fd0f5; --wavelet-7: #b39ddb; }
}
.player .group { display: inline-flex; flex-wrap: wrap; gap: 4px; }
.player button { min-height: 30px; min-width: 34px; cursor: pointer; }
.player button canvas, .player .key-state canvas { vertical-align: -2px; }
.player input[type=number] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 6px; width: 7em; }
.player .time { margin: 4px 0; }
.player .overview { display: block; width: 100%; height: 44px; border: 1px solid var(--line); cursor: pointer; }
.player input[type=range] { display: block; width: 100%; margin: 2px 0; accent-color: var(--compute); }
.player .says { min-height: 1.5em; font-variant-numeric: tabular-nums; }
.player .on-path:empty { display: none; }
.player .stage { display: flex; flex-wrap: wrap; gap: 12px 24px; align-items: flex-start; }
.player .stage > div:first-child { flex: 999 1 480px; min-width: 0; }
.player .core { flex: 1 1 280px; min-width: 0; }
.player .mesh { display: block; cursor: pointer; touch-action: manipulation; }
.player .mesh:focus-visible { outline: 2px solid var(--compute); outline-offset: -2px; }
.player .pointed { min-height: 4.5em; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.player ol, .player ul { font: 12.5px/1.45 ui-monospace, monospace; overflow-wrap: anywhere; margin: 8px 0; }
.player ol { max-height: 320px; overflow-y: auto; border: 1px solid var(--line); padding: 4px 8px 4px 5ch;
  position: relative; }
.player ul { padding-left: 2ch; }
.player li[aria-current] { background: var(--region); outline: 2px solid var(--compute); }
.player .words td, .player .words th { text-align: left; vertical-align: top; white-space: normal; }
.player .words th[scope=row] { border-top: 1px solid var(--line); white-space: nowrap; }
.player .core td, .player .core th { white-space: nowrap; padding-left: 8px; }
.player .core th:first-child { padding-left: 0; }
.player .core table th[scope=row] { text-align: left; border-top: 1px solid var(--line); padding-left: 0; }
@media (max-width: 600px) {
  .player .stage > div:first-child, .player .core { flex-basis: 100%; }
  .player .overview { height: 32px; }
}
@media print { .player .controls, .player input, .player .pointed { display: none; } }
`;
