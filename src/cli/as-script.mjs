/**
 * A module as the body of a function, of which a script is made: V8 keeps what it has compiled of scripts, but not of
 * modules. The function takes `$load` (a file of the bundle), `$require` (all else), `$import` (either, in a promise)
 * and `$url` (its own), and returns what the module exports. Unlike a module's, what is exported is taken once, when the
 * function has ended: it must not change after that, and files must not load each other in circles.
 *
 * The text is ASCII: V8 keeps it with one byte a character, and it need not be decoded.
 */
import { parseAst } from 'rolldown/parseAst';

const nameOf = (node) => (node.type === 'Literal' ? node.value : node.name);
const quoted = (node) => JSON.stringify(nameOf(node));
const loading = ({ value }) =>
  `${value.startsWith('.') ? '$load' : '$require'}(${JSON.stringify(value)})`;

const REPLACED = {
  ImportDeclaration({ specifiers, source }) {
    if (specifiers.length === 0) return `${loading(source)};`;
    const named = specifiers.filter(({ type }) => type === 'ImportSpecifier');
    if (named.length < specifiers.length) throw new Error(`unnamed imports of ${source.value}`);
    const names = named.map(({ imported, local }) => `${quoted(imported)}: ${local.name}`);
    return `const { ${names.join(', ')} } = ${loading(source)};`;
  },
  ExportNamedDeclaration({ declaration, specifiers, source }, exported) {
    if (declaration) throw new Error('an exported declaration');
    for (const { exported: name, local } of specifiers)
      exported.push(
        `${quoted(name)}: ${source ? `${loading(source)}[${quoted(local)}]` : local.name}`,
      );
    return '';
  },
  ExportDefaultDeclaration({ declaration }, exported, textOf) {
    exported.push('default: $default');
    return `const $default = ${textOf(declaration)};`;
  },
  ExportAllDeclaration({ source }) {
    throw new Error(`an export of all of ${source.value}`);
  },
  ImportExpression: ({ source }, _, textOf) => `$import(${textOf(source)})`,
  MemberExpression: ({ object, property }) =>
    object.type === 'MetaProperty' && property.name === 'url' ? '$url' : undefined,
  MetaProperty({ meta }) {
    if (meta.name === 'import') throw new Error('a property of import.meta other than its url');
    return undefined;
  },
};

/** @throws Error for imports and exports in forms that the bundler does not write, and for exports that may change */
export function asScript(code) {
  const program = parseAst(code);
  refuseChanging(program);
  const exported = [];
  /** The text of a node, with what is replaced in it. */
  function textOf(node) {
    let [text, at] = ['', node.start];
    for (const [child, replaced] of replacedIn(node)) {
      text += code.slice(at, child.start) + replaced;
      at = child.end;
    }
    return text + code.slice(at, node.end);
  }
  function* replacedIn(node) {
    for (const child of children(node)) {
      const replaced = REPLACED[child.type]?.(child, exported, textOf);
      if (replaced === undefined) yield* replacedIn(child);
      else yield [child, replaced];
    }
  }
  const body = textOf(program);
  return asAscii(`'use strict';${body}\nreturn { ${exported.join(', ')} };\n`);
}

const OTHER = /[^\0-\x7f]/g;

/** Characters other than ASCII as escapes, which mean the same in strings, in templates and in patterns. */
function asAscii(text) {
  const kept = /\\[^\0-\x7f]|\.raw`[^`]*[^\0-\x7f`]/.exec(text);
  if (kept) throw new Error(`a character that cannot be escaped: ${kept[0]}`);
  return text.replace(OTHER, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function refuseChanging({ body }) {
  const names = body
    .filter(({ type, kind }) => type === 'VariableDeclaration' && kind === 'let')
    .flatMap(({ declarations }) => declarations.map(({ id }) => id.name));
  for (const { type, specifiers, source } of body)
    if (type === 'ExportNamedDeclaration' && !source)
      for (const { local } of specifiers)
        if (names.includes(local.name)) throw new Error(`an export that may change: ${local.name}`);
}

/** In the order of the text. */
function children(node) {
  return Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === 'string')
    .toSorted((a, b) => a.start - b.start);
}
