/** A map as a picture to take away: as it is shown, with what it is of and its legend. */
import type { MapState } from './map.js';

const [HEAD, FOOT, EDGE] = [34, 40, 12];

export function pictureOf({ parts, data, quantity, wafer, scale, isEach, region }: MapState) {
  const { canvas: map, legend, least, most } = parts;
  const by = devicePixelRatio;
  const picture = document.createElement('canvas');
  picture.width = map.width + 2 * EDGE * by;
  picture.height = map.height + (HEAD + FOOT) * by;
  const pen = picture.getContext('2d')!;
  const css = getComputedStyle(document.documentElement);
  const color = (name: string) => css.getPropertyValue(name);
  pen.fillStyle = color('--card');
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(map, EDGE * by, HEAD * by);
  pen.scale(by, by);
  pen.fillStyle = color('--text');
  pen.font = '13px system-ui, sans-serif';
  const where = region < 0 ? `wafer ${wafer.wafer}` : wafer.regions[region].name;
  const { title, unit } = data.quantities[quantity];
  const how = data.isDifference ? '' : `, ${scale} scale${isEach ? ' of each region' : ''}`;
  pen.fillText(`${document.title}: ${title} (${unit}), ${where}${how}`, EDGE, 22);
  const y = HEAD + map.height / by + 14;
  const low = least.textContent;
  const width = pen.measureText(low).width;
  pen.fillText(low, EDGE, y + 10);
  pen.drawImage(legend, EDGE + width + 8, y, 180, 12);
  pen.fillText(most.textContent, EDGE + width + 8 + 188, y + 10);
  return picture;
}
