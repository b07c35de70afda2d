/** Elements of a page. */

/** The element with this id, which is there. */
export const byId = (id: string): HTMLElement => document.getElementById(id)!;

/** What the page hands to its script. */
export function dataOf(id = 'data'): unknown {
  return JSON.parse(byId(id).textContent);
}

/** On paper nothing is folded. */
export function openForPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')];
    for (const one of opened) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of opened) one.open = false;
  });
}
