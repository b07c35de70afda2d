/** Models read from the objects of their files, and what is said of those that are refused. */
import { expect } from 'vitest';
import { ModelError } from '../../src/model/errors.js';
import { importHfConfig, type ImportOptions } from '../../src/model/hf-config.js';

export type Json = Record<string, unknown>;

export const importing = (json: unknown, options: Partial<ImportOptions> = {}) =>
  importHfConfig(json, { name: 'm', ...options });

/** The refusal of a file; a failed test if it is read. */
export function failure(json: unknown, options: Partial<ImportOptions> = {}): ModelError {
  try {
    importing(json, options);
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
  return expect.fail('was imported');
}

export function without(json: Json, ...fields: string[]): Json {
  return Object.fromEntries(Object.entries(json).filter(([name]) => !fields.includes(name)));
}
