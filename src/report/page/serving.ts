/** What the page of a serving run does more: charts with axes that zoom, and a list of requests that sorts. */
import uPlot from 'uplot';
import { chartOf, color, whenever, type Chart } from './chart.js';
import { byId, dataOf } from './dom.js';
import type { ServingPage } from './serving-data.js';
import { sortTable } from './sort-table.js';

const pages = dataOf('serving-data') as ServingPage[];
const LATENCIES = [
  ['ttftMs', 'TTFT, ms'],
  ['tpotMs', 'TPOT, ms'],
  ['e2elMs', 'E2EL, ms'],
] as const;

function drawServing(page: ServingPage, at: number): void {
  const small: Pick<Chart, 'height' | 'fromZero'> = { height: 220, fromZero: true };
  const {
    intervalSeconds: interval,
    arrived,
    inSystem,
    outputTokensPerSecond,
    ...more
  } = page.series;
  // Each value is that of the interval before its end; the first one begins at 0.
  const times = Array.from({ length: arrived.length + 1 }, (_, i) => i * interval);
  const steps = uPlot.paths.stepped!({ align: 1 });
  const over = (id: string, title: string, lines: [string, number[], string][]) =>
    chartOf(byId(`${id}-${at}`), {
      ...small,
      axes: ['seconds', title],
      label: `${title}, over time`,
      sync: `time ${at}`,
      series: lines.map(([label, , of]) => ({
        ...{ label, stroke: color(of), width: 2, paths: steps, points: { show: false } },
        ...(lines.length === 1 && { fill: `${color(of)}44` }),
      })),
      data: [times, ...lines.map(([, values]) => [...values, values.at(-1) ?? 0])],
    });
  const perSecond = (values: number[]) => values.map((n) => n / interval);
  over('arrivals', 'requests/s', [
    ['arrivals per second', perSecond(arrived), '--compute'],
    ...(more.good
      ? [
          ['goodput: completed within the limits', perSecond(more.good), '--communication'] as [
            string,
            number[],
            string,
          ],
        ]
      : []),
  ]);
  over('system', 'requests', [['requests in the system', inSystem, '--compute']]);
  over('tokens', 'tokens/s, all users', [['output tokens/s', outputTokensPerSecond, '--compute']]);
  for (const [key, title] of LATENCIES) {
    const values = page.distributions[key];
    const limit = page.limits[key];
    const line = values.map(() => limit ?? null);
    chartOf(byId(`${key}-${at}`), {
      ...small,
      axes: ['percentile of completed requests', title],
      label: `${title}, by percentile`,
      series: [
        { label: title, stroke: color('--compute'), width: 2 },
        ...(limit === undefined
          ? []
          : [
              {
                label: 'limit',
                stroke: color('--mark'),
                width: 2,
                dash: [6, 4],
                points: { show: false },
              },
            ]),
      ],
      data: [values.map((_, i) => i * 5), values, ...(limit === undefined ? [] : [line])],
    });
  }
}

whenever(() => pages.forEach(drawServing));
pages.forEach(({ requests }, at) => {
  if (requests === undefined) return;
  sortTable(
    { columns: requests.columns, of: 'requests', most: 200 },
    {
      table: byId(`requests-${at}`),
      filter: byId(`filter-${at}`) as HTMLInputElement,
      count: byId(`count-${at}`),
    },
  );
});
