/**
 * A sweep as an Indexed Job of Kubernetes: https://kubernetes.io/docs/tasks/job/indexed-parallel-processing-static/.
 * Each of its pods runs one shard of the points in a volume that all of them mount.
 */
import { stringify } from 'yaml';
import { VERSION } from '../../bundled.js';
import { quoted } from './slurm.js';

export interface ManifestOptions {
  /** Pods, one for each shard. */
  tasks: number;
  /** The plan or configuration and the settings, as words for a shell. */
  arguments: string[];
  /** The store, below the volume. */
  store: string;
}

/** To be replaced by that of the cluster's registry. */
const IMAGE = `wafersim:${VERSION}`;

/** The manifest as plain data: `batch/v1`, `kind: Job`, `completionMode: Indexed`. */
export function indexedJob({ tasks, arguments: words, store }: ManifestOptions): object {
  const run = ['wafersim', 'sweep', ...words, '-o', store].map(quoted).join(' ');
  // The index is a variable of the container, which a shell has to read.
  const command = `exec ${run} --jobs 1 --shard "$JOB_COMPLETION_INDEX/${tasks}"`;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'wafersim-sweep' },
    spec: {
      completions: tasks,
      parallelism: tasks,
      completionMode: 'Indexed',
      // A pod that is lost starts again, and does what is missing.
      backoffLimit: Math.max(6, 2 * tasks),
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'wafersim',
              image: IMAGE,
              command: ['/bin/sh', '-c', command],
              workingDir: '/work',
              resources: {
                requests: { cpu: '1', memory: '2Gi' },
                limits: { cpu: '1', memory: '4Gi' },
              },
              volumeMounts: [{ name: 'work', mountPath: '/work' }],
            },
          ],
          volumes: [{ name: 'work', persistentVolumeClaim: { claimName: 'wafersim' } }],
        },
      },
    },
  };
}

/** The same as text for people and `kubectl`. */
export function manifestText(manifest: object): string {
  return stringify(manifest, { lineWidth: 0 });
}
