import { createReadStream } from 'node:fs';
import type { Context } from '#server/kernel/context.ts';
import { receivePackage } from '../receive-package.ts';
import type { SyncedSchool } from './sync-harness.ts';

/** Hands a package in a file in, as the command does. @returns the run that reads it */
export async function handInPackage(
  ctx: Context,
  school: Pick<SyncedSchool, 'schoolId' | 'systemId'>,
  path: string,
): Promise<string> {
  const { syncRunId } = await receivePackage(ctx, {
    schoolId: school.schoolId,
    systemId: school.systemId,
    via: 'command',
    fileName: 'package.zip',
    uploadedBy: null,
    bytes: createReadStream(path),
  });
  return syncRunId;
}
