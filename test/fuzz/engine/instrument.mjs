// Puts counters into the service's source while esbuild bundles it, for coverage and for counting steps: one at each
// place that is reached by a decision (functions, branches, loops, cases, right sides of && || ??).
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import ts from 'typescript';

/** A loop that turns so often within one execution is taken for endless. */
const MAX_TURNS = 5_000_000;

/**
 * Runs first in each bundle. A file takes a part of one array; `dictionary` collects the literals of the files, which
 * are often what an input has to contain.
 */
export const PRELUDE = `globalThis.__fuzz = {
  counters: new Uint32Array(65536), used: 0, dictionary: [],
  register(count, words) {
    const from = this.used;
    this.used += count;
    this.dictionary.push(...words);
    return this.counters.subarray(from, this.used);
  },
  endless() { throw new Error('a loop does not end'); },
};`;

/** @param {{ root: string, folders: string[] }} options sources below these folders get counters */
export function instrument({ root, folders }) {
  return {
    name: 'instrument',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const name = relative(root, path);
        if (!folders.some((folder) => name.startsWith(`${folder}/`))) return undefined;
        return { contents: withCounters(await readFile(path, 'utf8'), name), loader: 'js' };
      });
    },
  };
}

/** The JavaScript of a TypeScript source, with counters. */
export function withCounters(source, fileName) {
  const counted = { places: 0, words: new Set() };
  const { outputText } = ts.transpileModule(source, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      inlineSourceMap: true,
      inlineSources: true,
    },
    transformers: { before: [(context) => (file) => ts.visitNode(file, visitor(context, counted))] },
  });
  const head = `const __c = globalThis.__fuzz.register(${counted.places}, ${JSON.stringify([...counted.words])});`;
  // On the first line, so that the source map stays right.
  return counted.places === 0 ? outputText : `${head} ${outputText}`;
}

function visitor(context, counted) {
  const { factory } = context;
  const place = () => factory.createElementAccessExpression(factory.createIdentifier('__c'), counted.places++);
  const step = () => factory.createPostfixIncrement(place());
  const count = () => factory.createExpressionStatement(step());
  const counting = (expression) =>
    factory.createParenthesizedExpression(
      factory.createComma(step(), factory.createParenthesizedExpression(expression)),
    );
  const blockOf = (statement, ...before) =>
    factory.createBlock([...before, ...(ts.isBlock(statement) ? statement.statements : [statement])], true);
  const turn = () => {
    const turned = factory.createPrefixIncrement(place());
    const call = factory.createCallExpression(factory.createIdentifier('globalThis.__fuzz.endless'), undefined, []);
    return factory.createIfStatement(
      factory.createGreaterThan(turned, factory.createNumericLiteral(MAX_TURNS)),
      factory.createExpressionStatement(call),
    );
  };

  const visit = (node) => {
    noteLiteral(node, counted.words);
    const seen = ts.visitEachChild(node, visit, context);
    if (ts.isArrowFunction(seen) && !ts.isBlock(seen.body)) {
      const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body } = seen;
      return factory.updateArrowFunction(
        ...[seen, modifiers, typeParameters, parameters, type, equalsGreaterThanToken],
        counting(body),
      );
    }
    if (ts.isBlock(seen) && ts.isFunctionLike(node.parent)) return blockOf(seen, count());
    if (ts.isIfStatement(seen)) {
      const otherwise = seen.elseStatement ? blockOf(seen.elseStatement, count()) : factory.createBlock([count()]);
      return factory.updateIfStatement(seen, seen.expression, blockOf(seen.thenStatement, count()), otherwise);
    }
    if (ts.isForStatement(seen)) {
      const { initializer, condition, incrementor, statement } = seen;
      return factory.updateForStatement(seen, initializer, condition, incrementor, blockOf(statement, turn()));
    }
    if (ts.isForOfStatement(seen)) {
      const { awaitModifier, initializer, expression, statement } = seen;
      return factory.updateForOfStatement(seen, awaitModifier, initializer, expression, blockOf(statement, turn()));
    }
    if (ts.isWhileStatement(seen)) {
      return factory.updateWhileStatement(seen, seen.expression, blockOf(seen.statement, turn()));
    }
    if (ts.isDoStatement(seen))
      return factory.updateDoStatement(seen, blockOf(seen.statement, turn()), seen.expression);
    if (ts.isCaseClause(seen)) return factory.updateCaseClause(seen, seen.expression, [count(), ...seen.statements]);
    if (ts.isDefaultClause(seen)) return factory.updateDefaultClause(seen, [count(), ...seen.statements]);
    if (ts.isCatchClause(seen)) {
      return factory.updateCatchClause(seen, seen.variableDeclaration, blockOf(seen.block, count()));
    }
    if (ts.isConditionalExpression(seen)) {
      const { condition, questionToken, whenTrue, colonToken, whenFalse } = seen;
      return factory.updateConditionalExpression(
        ...[seen, condition, questionToken, counting(whenTrue), colonToken, counting(whenFalse)],
      );
    }
    if (ts.isBinaryExpression(seen) && ts.isLogicalOrCoalescingBinaryExpression(seen)) {
      return factory.updateBinaryExpression(seen, seen.left, seen.operatorToken, counting(seen.right));
    }
    return seen;
  };
  return visit;
}

/** Numbers and texts that the code compares with. */
function noteLiteral(node, words) {
  if (ts.isStringLiteral(node) && !ts.isImportDeclaration(node.parent) && node.text.length <= 64) words.add(node.text);
  if (ts.isNumericLiteral(node)) words.add(Number(node.text));
  if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) words.add(node.name.text);
}
