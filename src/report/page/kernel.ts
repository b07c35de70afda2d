/** What the page of a kernel does: its player, and files to take away. */
import { recordingOf } from '../../recording/recording.js';
import { dataOf } from './dom.js';
import { offerFiles } from './downloads.js';
import type { KernelPageData } from './kernel-data.js';
import { mountPlayer } from './player.js';
import { inflate } from './unpack.js';

async function start(): Promise<void> {
  const place = document.getElementById('player');
  const { recording, path, downloads } = dataOf() as KernelPageData;
  offerFiles(downloads);
  if (place === null || recording === undefined) return;
  try {
    mountPlayer(place, recordingOf(await inflate(recording)), { path });
  } catch (error) {
    place.textContent = `This browser cannot show the wavelets: ${(error as Error).message}`;
  }
}

void start();
