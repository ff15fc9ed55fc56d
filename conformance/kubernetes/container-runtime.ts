/** containerd with runc for a node: its own folders and socket, a bridge network, and no registry. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureProgram, unpackedPackage, unpackedPrograms } from '../../tools/debian-packages.mjs';
import { Component, untilReady } from './component.ts';
import type { NodeNamespaces } from './node-namespaces.ts';
import { POD_RANGE } from './node-namespaces.ts';

/** The image of the process that keeps the namespaces of a pod. */
export const PAUSE_IMAGE = 'localhost/dais-pause:1';
/** A registry of a test, which containerd reads without TLS. */
const REGISTRY = '127.0.0.1:20530';

export interface ContainerRuntime {
  readonly component: Component;
  /** `unix://PATH` for the kubelet. */
  readonly endpoint: string;
  /** Makes an image available to pods by its name. */
  importImage(archive: string): Promise<void>;
  /** Ends a container with SIGKILL, by the id that its pod reports without `containerd://`. */
  killContainer(id: string): Promise<void>;
}

export async function startContainerRuntime(node: NodeNamespaces, folder: string): Promise<ContainerRuntime> {
  const why = 'A node of a test cluster runs containers.';
  const programs = await unpackedPrograms(why, 'containerd', 'containerd');
  const runc = await ensureProgram(why, ['runc'], 'runc');
  const plugins = await unpackedPackage(why, 'containernetworking-plugins', 'usr/lib/cni');
  for (const name of ['root', 'state', 'cni', 'certs']) mkdirSync(join(folder, name), { recursive: true });
  const socket = join(folder, 'containerd.sock');
  writeFileSync(join(folder, 'config.toml'), configuration({ folder, socket, runc, plugins }));
  writeFileSync(join(folder, 'cni', '10-bridge.conflist'), JSON.stringify(BRIDGE));
  writeFileSync(
    join(folder, 'cni', '99-loopback.conf'),
    JSON.stringify({ cniVersion: '1.0.0', name: 'lo', type: 'loopback' }),
  );
  mkdirSync(join(folder, 'certs', REGISTRY), { recursive: true });
  writeFileSync(
    join(folder, 'certs', REGISTRY, 'hosts.toml'),
    `server = "http://${REGISTRY}"\n[host."http://${REGISTRY}"]\n`,
  );
  // containerd starts its shims by name.
  const path = ['env', `PATH=${programs}:/usr/sbin:/usr/bin:/sbin:/bin`];
  const command = [...path, join(programs, 'containerd'), '--config', join(folder, 'config.toml')] as const;
  const component = new Component('containerd', command as unknown as [string, ...string[]], {
    command: node.command,
    folder,
  });
  const ctr = async (...args: readonly string[]) =>
    await node.run(join(programs, 'ctr'), '--address', socket, '--namespace', 'k8s.io', ...args);
  await untilReady(component, async () => (await ctr('version')) !== '');
  return {
    component,
    endpoint: `unix://${socket}`,
    importImage: async (archive) => void (await ctr('images', 'import', archive)),
    killContainer: async (id) => void (await ctr('tasks', 'kill', '--signal', 'SIGKILL', id)),
  };
}

const BRIDGE = {
  cniVersion: '1.0.0',
  name: 'dais',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: POD_RANGE.replace('/16', '/24') }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

interface RuntimePaths {
  readonly folder: string;
  readonly socket: string;
  readonly runc: string;
  readonly plugins: string;
}

/** Without CAP_SYS_RESOURCE no process may lower its score for the OOM killer (`restrict_oom_score_adj`). */
function configuration({ folder, socket, runc, plugins }: RuntimePaths): string {
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "${runc}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${plugins}"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${folder}/certs"
`;
}
