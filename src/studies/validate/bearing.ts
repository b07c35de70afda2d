/** The published measurements that bear on a run: of the same machine, and of services with the same model on it. */
import { PUBLISHED, readMeasurements, type Measurement } from './measurements.js';

/**
 * @param wafer its name, as the hardware file has it
 * @param model name of a bundled model
 */
export function bearingOn(wafer: string, model: string): Measurement[] {
  return readMeasurements(PUBLISHED).filter(({ system, kernel, params }) => {
    if (WAFERS[system] !== wafer) return false;
    return kernel !== 'service' || params['model'] === model;
  });
}

/** The wafer of each measured system. */
const WAFERS: Record<Measurement['system'], string> = {
  'WSE-2': 'WSE-2',
  'CS-2': 'WSE-2',
  'WSE-3': 'WSE-3',
  'CS-3': 'WSE-3',
};
