/** What the directory of a kernel holds: the document, the terminal's text, the page, and tables as CSV. */
import type { KernelDocument, recordKernel } from '../index.js';
import { csvOf } from '../report/data-table.js';
import { kernelPage } from '../report/html-kernel.js';
import { json } from '../report/json.js';
import { kernelSummary, operatorsTable } from '../report/run-tables.js';
import { kernelTable } from '../report/table.js';
import { TOOLS } from './html-tools.js';

export function kernelFiles(document: KernelDocument, recording: ReturnType<typeof recordKernel>) {
  const text = kernelTable(document, { color: false });
  return {
    'kernel.json': json(document),
    'kernel.txt': text,
    'report.html': kernelPage(document, recording, text, TOOLS),
    'summary.csv': csvOf(kernelSummary(document)),
    'operators.csv': csvOf(operatorsTable(document)),
  };
}
