/**
 * A kernel as one page that needs nothing else: its wavelets cycle by cycle, where its cycles go, why its cores wait, and
 * its critical path. What options say is shown as text; the page's policy lets no script run but its own.
 */
import type { Recording } from '../recording/recording.js';
import { recordingBytes } from '../recording/recording.js';
import type { KernelDocument } from './document.js';
import { escapeHtml } from './html-escape.js';
import { htmlPage } from './html-page.js';
import { provenanceOf } from './html-provenance.js';
import { breakdownTable, causesTable, factsList, folded } from './html-tables.js';
import { pre, section, textTable } from './html-tables.js';
import type { HtmlTools } from './html.js';
import { json } from './json.js';
import { count, share } from './numbers.js';
import { downloadButtons, packedFiles } from './packed-files.js';
import { KERNEL_SCRIPT } from './page-script.js';
import type { KernelPageData } from './page/kernel-data.js';
import { pathSteps } from './path-steps.js';
import { PLAYER_STYLE } from './player-style.js';
import { networkText } from './traffic-table.js';
import { PATH_HEAD, WAITS_HEAD, pathRows, waitRows } from './waits-text.js';
import { whyLines } from './why-text.js';

/**
 * The page of a kernel; `text` is the kernel as the terminal shows it.
 * @param recording of its cycles, or why there is none
 */
export function kernelPage(
  kernel: KernelDocument,
  recording: Recording | string,
  text: string,
  tools: HtmlTools,
): string {
  const { breakdown, coreCycles, config, cycles } = kernel;
  const title = `${kernel.kernel} on ${config.hardware.name}`;
  // Of several loads all but the curve is that of the last one.
  const at = kernel.loads ? ` at load ${kernel.loads.at(-1)!.load}` : '';
  const network = networkText(kernel);
  const carried = {
    name: kernel.kernel,
    files: { 'kernel.json': json(kernel), 'kernel.txt': text },
  };
  const sections = [
    ...(network === '' ? [] : [section('Latency and load', pre(network))]),
    section(`Wavelets, cycle by cycle${at}`, wavelets(recording)),
    section(`Where they go${at}`, breakdownTable(breakdown, cycles)),
    ...(coreCycles ? [section(`What the cores do${at}`, causesTable(coreCycles))] : []),
    ...(kernel.waits ? [section(`Why cores wait${at}`, waitsOf(kernel))] : []),
    section('Configuration', folded('Options and hardware', pre(json(config)))),
    section('Where this comes from', provenanceOf(kernel)),
    section('To take away', downloadButtons(carried)),
    section('As text', folded('What the terminal shows', pre(text))),
  ];
  return htmlPage(
    {
      ...{ title, of: 'wafersim kernel', styles: ['', PLAYER_STYLE], script: KERNEL_SCRIPT },
      body: `<header><h1>${escapeHtml(title)}</h1>${headline(kernel)}</header>\n<main>${sections.join('\n')}</main>`,
      data: {
        ...pageData(kernel, recording, tools),
        downloads: packedFiles(carried, tools.deflate),
      } satisfies KernelPageData,
    },
    tools.sha256,
  );
}

function headline({ cycles, config, fabric }: KernelDocument): string {
  const options = Object.entries(config.options as Record<string, unknown>)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
  const facts: [string, string][] = [
    ['cycles, simulated', count(cycles)],
    ['wavelets over links', count(fabric.waveletHops)],
    ['busiest link', share(fabric.peakLinkUtilization, 1)],
  ];
  return `<p class="soft">${escapeHtml(options)}</p>${factsList(facts)}`;
}

function wavelets(recording: Recording | string): string {
  if (typeof recording === 'string')
    return `<p class="soft">No player: ${escapeHtml(recording)}.</p>`;
  return `<p class="soft">Simulated by the reference engine, every cycle as it was at its end. A square is a router with its core in the middle. A wavelet on a link has left in this cycle or, where links take longer, before. At the edge of a router stand the wavelets that wait at that port; left of the core those that come from it, right of it those that go to it.</p>
<div id="player"><p>The player needs a script, which this page brings along.</p></div>`;
}

function pageData(
  { criticalPath = [] }: KernelDocument,
  recording: Recording | string,
  { deflate }: HtmlTools,
): Omit<KernelPageData, 'downloads'> {
  if (typeof recording === 'string') return { path: [] };
  const bytes = deflate(recordingBytes(recording));
  return { recording: Buffer.from(bytes).toString('base64'), path: pathSteps(criticalPath) };
}

function waitsOf(kernel: KernelDocument): string {
  const { waits = [], criticalPath } = kernel;
  const lines = whyLines(kernel).map((line) => escapeHtml(line.trim()));
  return `<p class="soft">${lines.join('<br>')}</p>
${textTable(WAITS_HEAD, waitRows(waits))}${criticalPath ? `<h3>The critical path, operator by operator</h3>\n${textTable(PATH_HEAD, pathRows(criticalPath))}` : ''}`;
}
