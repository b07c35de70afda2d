/**
 * A sweep as one page: its Pareto front, a chart for each axis, and a table that sorts and filters.
 */
import { escapeHtml } from './html-escape.js';
import { htmlPage } from './html-page.js';
import { factsList, wide } from './html-tables.js';
import { CHART_STYLE, SWEEP_SCRIPT } from './page-script.js';
import type { SweepPageData } from './page/sweep-data.js';

/** @param sha256 of a text, in base64 */
export function sweepPage(data: SweepPageData, sha256: (text: string) => string): string {
  const { title, set, counts, columns } = data;
  const facts: [string, number][] = [
    ['points', counts.points],
    ['with a run', counts.ok],
    ['refused by the machine', counts.refused],
    ['failed', counts.failed],
  ];
  const axes = columns.filter(({ kind }) => kind === 'axis');
  const body = `<header><h1>${escapeHtml(title)}</h1>
<p class="soft">${set.map(escapeHtml).join(', ')}</p>
${factsList(facts)}</header>
<main><section><h2>Pareto front</h2>
<div class="controls"><label>across <select id="x"></select></label><label>up <select id="y"></select></label>
<span class="soft" id="ways"></span></div>
<div id="pareto"></div><p class="soft" id="point">&nbsp;</p></section>
<section><h2>Along each axis</h2>
<div class="controls"><label>metric <select id="metric"></select></label>
<span class="soft">A line joins points that differ in this axis alone.</span></div>
${axes.map((_, i) => `<div class="axis" id="axis-${i}"></div>`).join('\n')}</section>
<section><h2>Two points side by side</h2>
<div class="controls"><label>first <select id="first"></select></label><label>other <select id="other"></select></label></div>
<p class="soft" id="pair" role="status"></p>
<div class="plans"><div><h3>Metrics</h3>${emptyTable('metrics')}</div>
<div><h3>Operators, the largest change first</h3>${emptyTable('operators')}</div></div>
<p class="soft">What differs core by core is not kept of points: wafersim compare -o draws it of configurations.</p></section>
<section><h2>Points</h2>
<div class="controls"><label>rows with <input id="filter" type="search" placeholder="snake, status:ok, tpotMs&lt;0.5"></label>
<label><input id="all" type="checkbox"> all columns</label><span class="soft" id="count" role="status"></span></div>
${emptyTable('points', 'sorts')}</section></main>`;
  const styles: [string, string] = [CHART_STYLE, OWN_STYLE];
  return htmlPage(
    { title, of: 'wafersim sweep', styles, body, data, script: SWEEP_SCRIPT },
    sha256,
  );
}

function emptyTable(id: string, kind = ''): string {
  return wide(id, `<table class="${kind}" id="${id}"><thead></thead><tbody></tbody></table>`);
}

const OWN_STYLE = `
.uplot { margin: 0 auto; }
.uplot .legend { font-size: 13px; }
#points tr.front > * { background: var(--region); }
.axis { margin: 8px 0 20px; }
`;
