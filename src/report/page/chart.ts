/** A chart with axes, a cursor that says numbers, and zoom by dragging (a double click shows all again). */
import uPlot from 'uplot';

export interface Chart {
  axes: [x: string, y: string];
  /** In place of numbers along the horizontal axis. */
  names?: string[] | undefined;
  series: uPlot.Series[];
  data: (number | null)[][];
  height?: number;
  /** Whether the vertical axis begins at 0. */
  fromZero?: boolean;
  /** What it is, for those who do not see it. */
  label?: string;
  /** Charts with the same name are zoomed and pointed at together. */
  sync?: string;
  onPoint?: (index: number | undefined) => void;
}

export function chartOf(place: HTMLElement, chart: Chart): uPlot {
  const { axes, names, series, data, height = 320, fromZero, label, sync, onPoint } = chart;
  const grid = { stroke: color('--line'), width: 1 };
  const look = { stroke: color('--text'), grid, ticks: grid };
  const splits = names && { splits: () => names.map((_, i) => i), values: () => names };
  place.replaceChildren();
  const drawn = new uPlot(
    {
      width: Math.max(280, place.clientWidth),
      height,
      scales: {
        x: { time: false, ...(names && { range: [-0.5, names.length - 0.5] }) },
        ...(fromZero && { y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] } }),
      },
      axes: [
        // Room for numbers with six digits.
        { ...look, label: axes[0], space: 80, ...splits },
        { ...look, label: axes[1], size: 84 },
      ],
      series: [{ label: axes[0], ...(names && { value: (_, at) => names[at] ?? '' }) }, ...series],
      legend: { show: series.length <= 12 },
      ...(sync !== undefined && { cursor: { sync: { key: sync, setSeries: false } } }),
      hooks: { setCursor: [({ cursor }) => onPoint?.(cursor.idx ?? undefined)] },
    },
    data as uPlot.AlignedData,
    place,
  );
  if (label !== undefined) {
    drawn.root.setAttribute('role', 'group');
    drawn.root.setAttribute('aria-label', label);
  }
  return drawn;
}

/** A colour of the page, as its theme has it now. */
export function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Draws now, when the page's width changes, and when its colours do. */
export function whenever(draw: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  let width = 0;
  new ResizeObserver(() => {
    if (document.body.clientWidth === width) return;
    width = document.body.clientWidth;
    draw();
  }).observe(document.body);
}
