/**
 * The colours of a player, as the page's style has them, and the marks of wavelets: eight colours that are told apart by
 * who does not see all of them (Okabe and Ito), in three shapes, for as many colours of the fabric as there are.
 */
import { STATES } from '../../recording/recording.js';

type State = (typeof STATES)[number];

export interface Inks {
  text: string;
  soft: string;
  line: string;
  back: string;
  mark: string;
  states: Record<State, string>;
  /** By colour of the fabric: its ink and its shape. */
  wavelets: Map<number, { ink: string; shape: number }>;
}

const HUES = 8;
const SHAPES = 3;

/** @param colors of the fabric that there are */
export function inksOf(element: Element, colors: readonly number[]): Inks {
  const style = getComputedStyle(element);
  const ink = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ...{ text: ink('text'), soft: ink('soft'), line: ink('line'), back: ink('card') },
    mark: ink('mark'),
    states: Object.fromEntries(
      STATES.map((state) => [state, ink(`state-${state}`)]),
    ) as Inks['states'],
    wavelets: new Map(
      colors.map((color, i) => [
        color,
        { ink: ink(`wavelet-${i % HUES}`), shape: Math.floor(i / HUES) % SHAPES },
      ]),
    ),
  };
}

/** A wavelet: a circle, a square or a triangle, with the number of its colour where there is room. */
export function drawMark(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  color: number,
  inks: Inks,
): void {
  const { ink, shape } = inks.wavelets.get(color) ?? { ink: inks.text, shape: 0 };
  pen.fillStyle = ink;
  pen.beginPath();
  if (shape === 0) pen.arc(x, y, radius, 0, 2 * Math.PI);
  else if (shape === 1) pen.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius);
  else {
    pen.moveTo(x, y - 1.2 * radius);
    pen.lineTo(x + 1.1 * radius, y + 0.8 * radius);
    pen.lineTo(x - 1.1 * radius, y + 0.8 * radius);
    pen.closePath();
  }
  pen.fill();
  if (radius < LEAST_FOR_TEXT) return;
  pen.fillStyle = inks.back;
  pen.font = `${Math.round(1.2 * radius)}px system-ui, sans-serif`;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(String(color), x, y);
}

const LEAST_FOR_TEXT = 6;
