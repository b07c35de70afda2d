/**
 * A Slurm of a test's own: munged, slurmctld and two slurmd of one processor each, on this host, without accounting.
 * Debian: slurm-wlm and munge.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Daemons, freePorts, isInstalled } from './daemons.js';

export const HAS_SLURM = isInstalled('munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue');

export interface Slurm {
  /** What its commands need to find it. */
  env: { SLURM_CONF: string };
  /** A command of Slurm, and what it prints. */
  ask: (program: string, ...args: string[]) => string;
  stop: () => Promise<void>;
}

export async function startSlurm(): Promise<Slurm> {
  const daemons = new Daemons('slurm');
  const { folder } = daemons;
  chmodSync(folder, 0o755);
  try {
    await startMunge(daemons);
    const file = join(folder, 'slurm.conf');
    writeFileSync(file, configuration(folder, await freePorts(3)));
    const env = { SLURM_CONF: file };
    const ask = (program: string, ...args: string[]) =>
      execFileSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } });
    mkdirSync(join(folder, 'state'));
    daemons.start('slurmctld', 'slurmctld', ['-c', '-D'], env);
    for (const node of ['n1', 'n2']) daemons.start(node, 'slurmd', ['-D', '-N', node], env);
    await daemons.ready('slurmctld', () => isIdle(ask));
    return {
      ...{ env, ask },
      async stop() {
        // What still runs has processes of its own, which outlive the daemons.
        ask('scancel', '--user', userInfo().username);
        await daemons.ready('slurmctld', () => ask('squeue', '-h') === '');
        await daemons.stop();
      },
    };
  } catch (error) {
    await daemons.stop();
    throw error;
  }
}

async function startMunge(daemons: Daemons): Promise<void> {
  const at = (name: string) => join(daemons.folder, name);
  writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o600 });
  const files = ['socket', 'pid-file', 'log-file', 'seed-file'].map(
    (f) => `--${f}=${at(`munge.${f}`)}`,
  );
  daemons.start('munged', 'munged', ['-F', `--key-file=${at('munge.key')}`, ...files]);
  const answers = () => {
    try {
      execFileSync('munge', ['-n', '-S', at('munge.socket')], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };
  await daemons.ready('munged', answers);
}

function isIdle(ask: Slurm['ask']): boolean {
  try {
    return ask('sinfo', '-h', '-o', '%T %D').trim() === 'idle 2';
  } catch {
    return false;
  }
}

function configuration(folder: string, [controller, first, second]: number[]): string {
  const node = `NodeHostname=${hostname().split('.')[0]} NodeAddr=127.0.0.1 CPUs=1`;
  return `ClusterName=wafersim
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=${userInfo().username}
SlurmdUser=${userInfo().username}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.socket
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool.%n
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.%n.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
ReturnToService=2
MaxArraySize=20
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
NodeName=n1 Port=${first} ${node}
NodeName=n2 Port=${second} ${node}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}
