/** The wavelets of a kernel, cycle by cycle, in the report's player. */
import { byId } from '../report/page/dom.js';
import { mountPlayer, type Player } from '../report/page/player.js';
import type { Answer } from './messages.js';

let player: Player | undefined;
const place = byId('player-place');
const section = byId('player-section');

export function showWavelets({ recording, path }: Extract<Answer, { what: 'recorded' }>): void {
  player?.destroy();
  player = undefined;
  section.hidden = false;
  if (typeof recording === 'string') place.textContent = `No player: ${recording}.`;
  else player = mountPlayer(place, recording, { path });
}

export function hideWavelets(): void {
  player?.destroy();
  player = undefined;
  section.hidden = true;
}
