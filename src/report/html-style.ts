/** How a report looks, in light and in dark, as the reader's system is set. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --back: #fbfbfa; --card: #ffffff; --text: #1c1e21; --soft: #62676e; --line: #dcdfe3;
  --compute: #3f6fb5; --communication: #c98a2b; --region: #e3e9f2; --mark: #b3412f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14161a; --card: #1c1f24; --text: #e4e6e9; --soft: #9aa1aa; --line: #363b43;
    --compute: #6f9fe0; --communication: #dca44c; --region: #2a3444; --mark: #ee7d69;
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
.wide { overflow-x: auto; }
th { text-align: right; font-weight: 500; color: var(--soft); font-size: 13px; white-space: nowrap; }
td { text-align: right; border-top: 1px solid var(--line); padding: 2px 0 2px 16px; }
th { padding: 2px 0 2px 16px; }
td:first-child, th:first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; }
td.bar { width: 38%; min-width: 120px; }
td.bar svg { display: block; width: 100%; height: 12px; }
svg text { fill: var(--text); font: 11px system-ui, sans-serif; }
svg .region { fill: var(--region); stroke: var(--soft); }
svg .wafer { fill: none; stroke: var(--line); }
svg .compute { fill: var(--compute); }
svg .communication { fill: var(--communication); }
svg .grid { stroke: var(--line); }
svg .scale { fill: var(--soft); }
pre { overflow: auto; max-height: 480px; margin: 8px 0 0; font: 12.5px/1.45 ui-monospace, monospace; }
summary { cursor: pointer; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-bottom: 10px; }
button, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: 5px; padding: 2px 10px; }
select { max-width: 260px; }
button[aria-pressed=true] { background: var(--region); border-color: var(--compute); }
#map { display: block; width: 100%; height: 560px; border: 1px solid var(--line); cursor: crosshair;
  touch-action: none; }
#map:focus-visible { outline: 2px solid var(--compute); }
#legend { width: 180px; height: 12px; border: 1px solid var(--line); }
#core { min-height: 3em; margin-top: 8px; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 12px; }
.key.compute { background: var(--compute); }
.key.communication { background: var(--communication); }
`;
