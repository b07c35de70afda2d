/** What the page of a kernel does: its player. */
import { recordingOf } from '../../recording/recording.js';
import type { KernelPageData } from './kernel-data.js';
import { mountPlayer } from './player.js';
import { inflate } from './unpack.js';

async function start(): Promise<void> {
  const place = document.getElementById('player');
  const { recording, path } = JSON.parse(
    document.getElementById('data')!.textContent,
  ) as KernelPageData;
  if (place === null || recording === undefined) return;
  try {
    mountPlayer(place, recordingOf(await inflate(recording)), { path });
  } catch (error) {
    place.textContent = `This browser cannot show the wavelets: ${(error as Error).message}`;
  }
}

void start();
