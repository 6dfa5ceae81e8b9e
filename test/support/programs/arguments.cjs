// What the proofs' commands are told, checked before they begin: `Number('abc')` is NaN, with which a loop ends at once
// and a proof that did nothing would report success. CommonJS, so that .mjs, .ts and Jest all load this one file.
'use strict';

class WrongArgument extends Error {}

function aboveZero(name, text) {
  return checked(name, text, 'a number above 0', (value) => value > 0);
}

function count(name, text) {
  return checked(name, text, 'a whole number above 0', (value) => Number.isSafeInteger(value) && value > 0);
}

function seed(name, text) {
  const isSeed = (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 31;
  return checked(name, text, 'a whole number from 0 to 2147483647', isSeed);
}

function share(name, text) {
  return checked(name, text, 'a number from 0, below 1', (value) => value >= 0 && value < 1);
}

function checked(name, text, wanted, isRight) {
  const value = Number(text);
  if (String(text).trim() === '' || !Number.isFinite(value) || !isRight(value)) {
    throw new WrongArgument(`${name}: ${wanted}, not '${text}'`);
  }
  return value;
}

function existingFile(name, path) {
  const isFile = require('node:fs').statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  if (!isFile) throw new WrongArgument(`${name} ${path}: no such file`);
  return path;
}

function exitCodeOf(error) {
  const isOfParser = String(error?.code).startsWith('ERR_PARSE_ARGS');
  return error instanceof WrongArgument || isOfParser ? 2 : 1;
}

module.exports = { WrongArgument, aboveZero, count, seed, share, existingFile, exitCodeOf };
