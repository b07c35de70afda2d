/** How a report looks, in light and in dark, as the reader's system is set. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #fbfbfa; --card: #ffffff; --text: #1c1e21; --soft: #62676e; --line: #dcdfe3;
  --compute: #3f6fb5; --communication: #c98a2b; --region: #e3e9f2; --mark: #b3412f; --waiting: #8a8f98; --shade: #00000030;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14161a; --card: #1c1f24; --text: #e4e6e9; --soft: #9aa1aa; --line: #363b43;
    --compute: #6f9fe0; --communication: #dca44c; --region: #2a3444; --mark: #ee7d69; --waiting: #777d87; --shade: #000000a0;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1180px; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 12px; }
h3 { font-size: 15px; font-weight: 600; margin: 16px 0 4px; }
p { margin: 4px 0; }
.soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 16px 20px; margin: 16px 0; }
dl { display: flex; flex-wrap: wrap; gap: 8px 36px; margin: 14px 0 0; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 20px; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; max-width: 100%; }
/* A shade at an edge says that there is more beyond it. */
.wide, pre { background:
    linear-gradient(to right, var(--card) 30%, transparent) left / 40px 100% no-repeat local,
    linear-gradient(to left, var(--card) 30%, transparent) right / 40px 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 14px 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) right / 14px 100% no-repeat scroll; }
:focus-visible { outline: 2px solid var(--compute); outline-offset: 1px; }
th { text-align: right; font-weight: 500; color: var(--soft); font-size: 13px; white-space: nowrap; }
td { text-align: right; white-space: nowrap; border-top: 1px solid var(--line); padding: 2px 0 2px 16px; }
th { padding: 2px 0 2px 16px; }
td:first-child, th:first-child { text-align: left; padding-left: 0; }
tbody th { font-size: inherit; font-weight: 400; color: inherit; border-top: 1px solid var(--line); min-width: 8em;
  white-space: normal; }
caption { text-align: left; color: var(--soft); font-size: 13px; padding-bottom: 4px; }
.prose td, .prose th { white-space: normal; text-align: left; vertical-align: top; }
.prose table { min-width: 640px; }
.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
tbody th button { border: 0; background: none; padding: 0; text-align: left; cursor: pointer;
  text-decoration: underline dotted; text-underline-offset: 3px; }
.sorts th button { border: 0; background: none; padding: 0; color: inherit; font: inherit; cursor: pointer; }
td.bar { width: 38%; min-width: 120px; }
td.bar svg { display: block; width: 100%; height: 12px; }
svg text { fill: var(--text); font: 11px system-ui, sans-serif; }
svg .region { fill: var(--region); stroke: var(--soft); }
svg .wafer { fill: none; stroke: var(--line); }
svg .compute { fill: var(--compute); }
svg .communication { fill: var(--communication); }
svg .waiting { fill: var(--waiting); }
svg .other { fill: var(--soft); }
svg .more { fill: var(--communication); }
svg .less { fill: var(--compute); }
svg .marked { font-weight: 700; fill: var(--mark); }
svg .token { fill: var(--mark); pointer-events: none; }
svg polyline.token { fill: none; stroke: var(--mark); stroke-width: 1.5; stroke-opacity: 0.75; }
svg [data-region], svg [data-stage] { cursor: pointer; }
#floor .wide { display: flex; flex-wrap: wrap; gap: 8px 16px; }
.plans { display: flex; flex-wrap: wrap; gap: 0 24px; }
.plans > div { flex: 1 1 320px; min-width: 0; }
#floor svg { max-width: 100%; height: auto; }
#timeline { touch-action: pan-y; }
svg .grid { stroke: var(--line); }
svg .scale { fill: var(--soft); }
pre { overflow: auto; max-height: 480px; margin: 8px 0 0; font: 12.5px/1.45 ui-monospace, monospace; }
summary { cursor: pointer; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-bottom: 10px; }
button, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 10px; }
select { max-width: 260px; }
button[aria-pressed=true] { background: var(--region); border-color: var(--compute); }
input[type=search] { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 10px; width: 300px; max-width: 100%; }
.choice { display: flex; flex-wrap: wrap; gap: 4px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 6px; align-items: center; }
#map { display: block; width: 100%; height: 560px; border: 1px solid var(--line); cursor: crosshair; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 8px 16px; }
.chart { min-width: 0; }
.chart svg { max-width: 100%; }
#legend { width: 180px; height: 12px; border: 1px solid var(--line); }
#core, #stage { min-height: 3em; margin-top: 8px; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 12px; }
.key.compute { background: var(--compute); }
.key.communication { background: var(--communication); }
.key.waiting { background: var(--waiting); }
@media (max-width: 600px) {
  body { padding: 10px; }
  section { padding: 12px; margin: 10px 0; }
  dd { font-size: 17px; }
  dl { gap: 8px 20px; }
  #map { height: 380px; }
  button, select { min-height: 30px; }
  tbody th { min-width: 6em; }
}
@media print {
  :root { color-scheme: light; --back: #fff; --card: #fff; --text: #000; --soft: #444; --line: #bbb;
    --compute: #3f6fb5; --communication: #c98a2b; --region: #e3e9f2; --mark: #b3412f; --waiting: #8a8f98; --shade: #0000; }
  body { max-width: none; padding: 0; font-size: 11px; }
  .controls, #core, #stage, input { display: none; }
  .legend { display: flex; }
  section { border: 0; padding: 0; }
  h2 { break-after: avoid; }
  tr, svg, canvas { break-inside: avoid; }
  .wide, pre { overflow: visible; max-height: none; white-space: pre-wrap; }
  #floor .wide { white-space: normal; }
  canvas, svg { max-width: 100%; }
}
`;
