/** What the directory of a comparison holds: the document, the rows as CSV, the terminal's text, and the page. */
import { comparePage, compareRows, compareTable } from '../index.js';
import type { CompareDocument, KnownDetail } from '../index.js';
import { csvOf } from '../report/data-table.js';
import { json } from '../report/json.js';
import { TOOLS } from './html-tools.js';

export function compareFiles(
  document: CompareDocument,
  details: readonly (KnownDetail | undefined)[],
) {
  const text = compareTable(document, { color: false });
  return {
    'compare.json': json(document),
    'summary.csv': csvOf(compareRows(document)),
    'compare.txt': text,
    'compare.html': comparePage(document, details, text, TOOLS),
  };
}
