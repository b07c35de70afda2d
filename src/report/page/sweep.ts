/** What the page of a sweep does: charts, and a table that sorts and filters. */
import { whenever } from './chart.js';
import { drawAxes, drawPareto } from './sweep-charts.js';
import type { SweepPageData } from './sweep-data.js';
import { showPair } from './sweep-pair.js';
import { fillTable } from './sweep-table.js';
import { byId, dataOf } from './dom.js';

const selectById = (id: string) => byId(id) as HTMLSelectElement;
const inputById = (id: string) => byId(id) as HTMLInputElement;
const data = dataOf() as SweepPageData;
const metrics = data.columns.filter(({ kind, cells }) => {
  return kind === 'metric' && cells.some((cell) => cell !== null);
});

function fill(select: HTMLSelectElement, chosen: string): void {
  select.replaceChildren(
    ...metrics.map(({ name, title }) => new Option(title, name, name === chosen, name === chosen)),
  );
}

const [x, y, metric] = ['x', 'y', 'metric'].map((id) => selectById(id));
fill(x, data.pareto.x);
fill(y, data.pareto.y);
fill(metric, data.pareto.x);

function pareto(): void {
  drawPareto(data, {
    x: x.value,
    y: y.value,
    place: byId('pareto'),
    says: byId('point'),
    ways: byId('ways'),
  });
}

function axes(): void {
  const all = data.columns.filter(({ kind }) => kind === 'axis');
  drawAxes(
    data,
    metric.value,
    all.map((_, i) => byId(`axis-${i}`)),
  );
}

function draw(): void {
  if (metrics.length === 0) return;
  pareto();
  axes();
}

x.addEventListener('change', pareto);
y.addEventListener('change', pareto);
metric.addEventListener('change', axes);
whenever(draw);

showPair(data, {
  first: selectById('first'),
  other: selectById('other'),
  says: byId('pair'),
  metrics: byId('metrics'),
  operators: byId('operators'),
});
fillTable(data, {
  table: byId('points'),
  filter: inputById('filter'),
  all: inputById('all'),
  count: byId('count'),
});
