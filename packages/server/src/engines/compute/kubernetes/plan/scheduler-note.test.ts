import { expect, test } from 'vitest';
import { schedulerNote } from './scheduler-note.ts';

const requested = { cpu: 8, memory: 64 * 2 ** 30, disk: 2 ** 30, 'nvidia.com/gpu': 1 };

test.each([
  [
    '0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.',
    'waits for a node with 1 nvidia.com/gpu: 3 of 3 nodes have too few free',
  ],
  [
    "0/5 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {nvidia.com/gpu: present}, 2 node(s) didn't match Pod's node affinity/selector. preemption: not eligible due to preemptionPolicy=Never.",
    'waits for a node with 8 CPU cores: 1 of 5 nodes have too little free, 2 of 5 nodes have the taint nvidia.com/gpu=present, which the target does not tolerate, 2 of 5 nodes do not have the labels that the target selects',
  ],
  [
    '0/2 nodes are available: 1 Insufficient memory, 2 Insufficient nvidia.com/gpu.',
    'waits for a node with 64 GiB of memory and 1 nvidia.com/gpu: 1 of 2 nodes have too little memory free, 2 of 2 nodes have too few nvidia.com/gpu free',
  ],
  [
    '0/1 nodes are available: 1 Insufficient ephemeral-storage.',
    'waits for a node with 1 GiB of disk: 1 of 1 node has too little free',
  ],
  [
    '0/4 nodes are available: 1 node(s) were unschedulable, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 1 Too many pods.',
    'waits for a node: 1 of 4 nodes are cordoned, 1 of 4 nodes are unreachable, 1 of 4 nodes are almost out of disk space, 1 of 4 nodes run as many pods as they may',
  ],
  [
    "0/1 nodes are available: 1 node(s) had taint {dedicated: gpu}, that the pod didn't tolerate.",
    'waits for a node: 1 of 1 node has the taint dedicated=gpu, which the target does not tolerate',
  ],
  [
    '0/17 nodes are available: 17 node(s) had untolerated taint(s).',
    'waits for a node: 17 of 17 nodes have a taint that the target does not tolerate',
  ],
  ['no nodes available to schedule pods', 'waits for a node: the cluster has no nodes'],
  ['0/2 nodes are available: 2 some new sentence of 2031.', 'waits for a node: 2 some new sentence of 2031'],
  ['something else entirely', 'waits for a node: something else entirely'],
  ['', 'waits for a node: the scheduler gave no reason'],
  [
    '0/1 nodes are available: 1 Insufficient example.com/fpga.',
    'waits for a node with example.com/fpga: 1 of 1 node has too few free',
  ],
])('%s', (message, note) => {
  expect(schedulerNote(message, requested)).toBe(note);
});
