import { type DaisError } from '@dais/api';
import { beginPushOperation, commitPushOperation, readIngestOperation, type Ingest } from '@dais/api/data';
import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { fileDigest } from './file-digest.ts';
import { dataKey } from './use-data.ts';
import { useClient } from '#server/console-context.ts';
import { uploadFile } from '#server/upload-file.ts';

export interface UploadWish {
  readonly name: string;
  readonly files: readonly File[];
  readonly message: string;
  readonly keepInvalidRows: boolean;
}

export interface Upload {
  readonly send: UseMutationResult<Ingest, DaisError, UploadWish>;
  /** The current phase, and its progress as a share. */
  readonly step: { readonly word: string; readonly done: number } | undefined;
}

/** Interval of the requests for the progress of the version. */
const POLL_MS = 500;

/** Uploads files as a version: digests first, then the missing files, then the wait for the version. */
export function useUpload(project: string): Upload {
  const client = useClient(project);
  const queries = useQueryClient();
  const [step, setStep] = useState<Upload['step']>();
  const stop = useRef(new AbortController());
  useEffect(() => {
    // React runs effects twice in development: the second run needs a signal that is not aborted.
    if (stop.current.signal.aborted) stop.current = new AbortController();
    const { current } = stop;
    return () => current.abort();
  }, []);
  const send = useMutation<Ingest, DaisError, UploadWish>({
    mutationFn: async ({ name, files, message, keepInvalidRows }) => {
      const { signal } = stop.current;
      const uploaded: { name: string; bytes: number; sha256: string }[] = [];
      for (const [at, file] of files.entries()) {
        setStep({ word: `Reading ${file.name}`, done: at / files.length });
        // oxlint-disable-next-line no-await-in-loop -- one file in memory at a time
        uploaded.push({ name: file.name, bytes: file.size, sha256: await fileDigest(file) });
      }
      const invalidRows = keepInvalidRows ? 'keep' : 'refuse';
      const begun = await client.perform(
        beginPushOperation,
        { name, files: uploaded, message, invalidRows },
        { signal },
      );
      const needed = files.filter((file) => begun.needed.includes(file.name));
      for (const [at, file] of needed.entries()) {
        const path = `api/v1/data/datasets/${encodeURIComponent(name)}/pushes/${begun.id}/files`;
        const progress = (share: number) =>
          setStep({ word: `Uploading ${file.name}`, done: (at + share) / needed.length });
        // oxlint-disable-next-line no-await-in-loop -- one upload at a time: each has the full bandwidth
        await uploadFile(client, { path, query: { file: file.name }, file, signal, progress });
      }
      let ingest = await client.perform(commitPushOperation, { name, id: begun.id }, { signal });
      while (ingest.endedAt === undefined) {
        setStep({ word: `Creating the version: ${ingest.phase}`, done: ingest.done });
        // oxlint-disable-next-line no-await-in-loop -- polled
        await new Promise((resolve) => void setTimeout(resolve, POLL_MS));
        signal.throwIfAborted();
        // oxlint-disable-next-line no-await-in-loop -- see above
        ingest = await client.perform(readIngestOperation, { name, id: begun.id }, { signal });
      }
      return ingest;
    },
    onSettled: () => {
      setStep(undefined);
      void queries.invalidateQueries({ queryKey: dataKey(project) });
    },
  });
  return { send, step };
}
