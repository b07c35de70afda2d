/** Which part of a wafer a canvas shows: pixels per core, and where the first core lies. */

export interface View {
  scale: number;
  x: number;
  y: number;
  /** The whole wafer, however large the canvas is. */
  fit: boolean;
}

interface Size {
  width: number;
  height: number;
}

/** Pixels per core: from the whole wafer to 48. */
function limited(view: View, scale: number, wafer: Size, canvas: Size): number {
  const fit = Math.min(canvas.width / wafer.width, canvas.height / wafer.height);
  return view.fit ? fit : Math.min(Math.max(scale, fit), Math.max(fit, 48));
}

/** Keeps the wafer in sight. */
export function clampView(view: View, wafer: Size, canvas: Size): void {
  view.scale = limited(view, view.scale, wafer, canvas);
  for (const [axis, size, room] of [
    ['x', wafer.width, canvas.width],
    ['y', wafer.height, canvas.height],
  ] as const) {
    const spare = room - size * view.scale;
    view[axis] = spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, view[axis]));
  }
}

/** Zooms so that the point stays where it is. */
export function zoomAt(
  view: View,
  factor: number,
  [x, y]: readonly [number, number],
  wafer: Size,
  canvas: Size,
): void {
  view.fit = false;
  const scale = limited(view, view.scale * factor, wafer, canvas);
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
}

/** Shows a region large; without one the whole wafer. */
export function zoomTo(
  view: View,
  region: ({ x: number; y: number } & Size) | undefined,
  wafer: Size,
  canvas: Size,
): void {
  view.fit = region === undefined;
  if (region === undefined) return;
  const { x, y, width, height } = region;
  const scale = 0.9 * Math.min(canvas.width / width, canvas.height / height);
  view.scale = limited(view, scale, wafer, canvas);
  view.x = canvas.width / 2 - (x + width / 2) * view.scale;
  view.y = canvas.height / 2 - (y + height / 2) * view.scale;
}
