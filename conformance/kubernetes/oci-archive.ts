/** Writes images as OCI archives, which `ctr images import` reads: no registry and no image builder. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from '../../tools/command.mjs';

export interface ImageSettings {
  /** For example `localhost/dais-pause:1`. */
  readonly name: string;
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingFolder?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Writes an image with one layer, the files of `root`. The same files give the same digest. */
export async function writeOciArchive(root: string, settings: ImageSettings, archive: string): Promise<void> {
  mkdirSync(dirname(archive), { recursive: true });
  const layout = mkdtempSync(`${archive}.layout-`);
  try {
    const blobs = join(layout, 'blobs', 'sha256');
    mkdirSync(blobs, { recursive: true });
    const layerFile = join(layout, 'layer.tar');
    await tar(layerFile, root, ['--numeric-owner', '--owner=0', '--group=0']);
    const digest = await digestOf(layerFile);
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: `sha256:${digest}`,
      size: sizeOf(layerFile),
    };
    renameSync(layerFile, join(blobs, digest));
    const put = (mediaType: string, value: object) => {
      const text = JSON.stringify(value);
      const hash = createHash('sha256').update(text).digest('hex');
      writeFileSync(join(blobs, hash), text);
      return { mediaType, digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
    };
    const { name, entrypoint, environment = {}, user, workingFolder } = settings;
    const platform = { architecture: ARCHITECTURES[process.arch] ?? process.arch, os: 'linux' };
    const config = put('application/vnd.oci.image.config.v1+json', {
      created: '1970-01-01T00:00:00Z',
      ...platform,
      config: {
        Env: Object.entries({ PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', ...environment }).map((pair) =>
          pair.join('='),
        ),
        ...(entrypoint !== undefined && { Entrypoint: entrypoint }),
        ...(user !== undefined && { User: user }),
        ...(workingFolder !== undefined && { WorkingDir: workingFolder }),
      },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    const manifestType = 'application/vnd.oci.image.manifest.v1+json';
    const manifest = put(manifestType, { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] });
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    const index = { schemaVersion: 2, manifests: [{ ...manifest, platform, annotations }] };
    writeFileSync(join(layout, 'index.json'), JSON.stringify(index));
    writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    await tar(`${archive}.part`, layout, []);
    renameSync(`${archive}.part`, archive);
  } finally {
    for (const path of [layout, `${archive}.part`]) rmSync(path, { recursive: true, force: true });
  }
}

async function tar(archive: string, folder: string, options: readonly string[]): Promise<void> {
  const args = ['--create', `--file=${archive}`, '--sort=name', '--mtime=@0', ...options, `--directory=${folder}`, '.'];
  const { code, output } = await runCommand('tar', args, { quiet: true });
  if (code !== 0) throw new Error(`tar ended with ${code}:\n${output}`);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

function sizeOf(path: string): number {
  return statSync(path).size;
}
