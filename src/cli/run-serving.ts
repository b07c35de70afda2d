/** `wafersim run` with a serving workload. */
import { deploymentsTable, scenariosTable, servingTable } from '../index.js';
import type { ServingDocument } from '../index.js';
import type { Style } from '../report/format.js';

export { serveAll } from '../index.js';

/** Its results come first; of several scenarios the table, and one in full; of deployments all. */
export function servingText(document: ServingDocument, style: Style): string {
  const { scenarios, deployments } = document;
  // Each deployment in full: they are different models, and not one of them stands for the others.
  if (deployments !== undefined)
    return [
      deploymentsTable(deployments, scenarios!, style),
      ...scenarios!.map((one) => servingTable(one, style)),
    ].join('\n');
  const summary = scenarios === undefined ? '' : `${scenariosTable(scenarios, style)}\n`;
  return `${summary}${servingTable(document.serving, style)}`;
}
