/** The reference of a library in Markdown, made from the declaration files that the compiler writes. */

/** A declaration as it stands in a file, with the text of its comment. */
interface Declaration {
  kind: string;
  name: string;
  comment: string;
  code: string;
}

const SECTIONS: Record<string, string> = {
  function: 'Functions',
  const: 'Constants',
  class: 'Errors',
  interface: 'Types',
  type: 'Types',
};

/**
 * All that a declaration file exports, by kind and name, with comments and types.
 * @param entry the file, such as `index.d.ts`
 * @param read the text of a declaration file, by its path from the folder of `entry`
 * @throws RangeError for a name that is exported and declared nowhere
 */
export function apiReference(entry: string, read: (path: string) => string): string {
  const all = exportedBy(entry, read).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const titles = [...new Set(Object.values(SECTIONS))];
  return titles
    .map((title) => [title, all.filter(({ kind }) => SECTIONS[kind] === title)] as const)
    .filter(([, members]) => members.length > 0)
    .map(([title, members]) => [`## ${title}`, ...members.map(section)].join('\n\n'))
    .join('\n\n');
}

const REEXPORT = /^export (type )?(?:\*|\* as (\w+)|\{([^}]*)\}) from '(.*)\.js';/gm;

function exportedBy(path: string, read: (path: string) => string): Declaration[] {
  const text = read(path);
  const elsewhere = [...text.matchAll(REEXPORT)].flatMap(([, types, whole, names, from]) => {
    // Paths below the folder of `entry`, as addresses, so that `..` is taken away.
    const target = new URL(`${from}.d.ts`, new URL(path, 'file:///')).pathname.slice(1);
    const found = exportedBy(target, read);
    if (whole !== undefined) return [underOneName(whole, found)];
    // `export type *` leaves functions and constants out.
    if (names === undefined)
      return found.filter(({ kind }) => types === undefined || /^(type|interface)$/.test(kind));
    return names.split(',').map((each) => {
      const name = each.replace(/^\s*type\s/, '').trim();
      const declared = found.find((one) => one.name === name);
      if (!declared)
        throw new RangeError(`expected a declaration of ${name} in ${target}, found none`);
      return declared;
    });
  });
  return [...declarations(text), ...elsewhere];
}

/** All that a file exports as the members of one value. */
function underOneName(name: string, members: Declaration[]): Declaration {
  const code = members.map((member) => member.code).join('\n');
  return { kind: 'const', name, comment: 'Its members:', code };
}

/** What a file declares and exports. A declaration begins in the first column, its other lines do not. */
function declarations(text: string): Declaration[] {
  const parts = text.split(/^(?=\/\*\*|(?<!\*\/\n)(?:export|import|interface|declare|type) )/m);
  return parts.flatMap((part) => {
    const [, comment = '', code] = /^(\/\*\*[\s\S]*?\*\/\n)?([\s\S]*)$/.exec(part)!;
    const head = /^export (?:declare )?(\w+) (\w+)/.exec(code);
    if (!head || !Object.hasOwn(SECTIONS, head[1])) return [];
    return [{ kind: head[1], name: head[2], comment: plain(comment), code: code.trim() }];
  });
}

/** The text of a comment without its frame. */
function plain(comment: string): string {
  return comment
    .replace(/^\/\*\* ?/, '')
    .replace(/\s*\*\/\s*$/, '')
    .replaceAll(/^ \* ?/gm, '')
    .trim();
}

function section({ name, comment, code }: Declaration): string {
  const signature = code
    .replaceAll(/^export (?:declare )?/gm, '')
    .replaceAll(/^(?: {4})+/gm, (indent) => ' '.repeat(indent.length / 2));
  const text = comment
    .replace(/\n(?=@)/, '\n\n')
    .replaceAll(/^@param (\w+) /gm, '- `$1`: ')
    .replaceAll(/^@(returns|throws) /gm, '- *$1* ');
  return [`### ${name}`, text, `\`\`\`ts\n${signature}\n\`\`\``]
    .filter((part) => part !== '')
    .join('\n\n');
}
