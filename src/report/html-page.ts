/** A page that needs nothing else: its policy lets no script run but its own, and nothing be fetched. */
import { escapeHtml, scriptJson } from './html-escape.js';
import { STYLE } from './html-style.js';

export interface HtmlPage {
  title: string;
  /** What it is a page of, after its title. */
  of: string;
  /** Styles before and after those of all pages. */
  styles?: [before: string, after: string];
  body: string;
  /** What its script reads, and in addition by id. */
  data: object;
  more?: Record<string, object>;
  script: string;
}

/** @param sha256 of a text, in base64 */
export function htmlPage(
  { title, of, styles: [before, after] = ['', ''], body, data, more = {}, script }: HtmlPage,
  sha256: (text: string) => string,
): string {
  const own = `script-src 'sha256-${sha256(script)}'`;
  const policy = `default-src 'none'; ${own}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  const values = Object.entries({ data, ...more }).map(
    ([id, value]) => `<script type="application/json" id="${id}">${scriptJson(value)}</script>`,
  );
  return htmlShell({
    ...{ title: `${escapeHtml(title)} - ${of}`, policy, style: `${before}${STYLE}${after}` },
    body: `${body}\n${values.join('\n')}`,
    script,
  });
}

/** What all pages are in: a title, a body as markup, one style and, at its end, one script; and what the page may do. */
export function htmlShell({ title, policy, style, body, script }: Shell): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
${body}
<script>${script}</script>
</body>
</html>
`;
}

type Shell = Record<'title' | 'policy' | 'style' | 'body' | 'script', string>;
