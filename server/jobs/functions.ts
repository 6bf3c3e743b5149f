import type { InngestFunction } from 'inngest';
import type { JobClient } from './client.ts';
import { agreementDates } from './functions/agreement-dates.ts';
import { connectionChanged } from './functions/connection-changed.ts';
import { connectionCredential } from './functions/connection-credential.ts';
import { connectionRound } from './functions/connection-round.ts';
import { deliverMail } from './functions/deliver-mail.ts';
import { dropOldPackages } from './functions/drop-old-packages.ts';
import { forgetOldChanges } from './functions/forget-old-changes.ts';
import { heartbeat } from './functions/heartbeat.ts';
import { lookIntoFolder } from './functions/look-into-folder.ts';
import { pushRoster } from './functions/push-roster.ts';
import { replaceSystem } from './functions/replace-system.ts';
import { requestDueSyncs } from './functions/request-due-syncs.ts';
import { requestLooks } from './functions/request-looks.ts';
import { signAuditHeads } from './functions/sign-audit-heads.ts';
import { sweepSignIn } from './functions/sweep-sign-in.ts';
import { syncSystem } from './functions/sync-system.ts';
import type { JobPorts } from './ports.ts';

/** Every function of the product: one line each. */
export function productFunctions(client: JobClient, ports: JobPorts): InngestFunction.Any[] {
  return [
    agreementDates(client, ports),
    connectionChanged(client, ports),
    connectionCredential(client, ports),
    connectionRound(client, ports),
    deliverMail(client, ports),
    forgetOldChanges(client, ports),
    dropOldPackages(client, ports),
    heartbeat(client, ports),
    lookIntoFolder(client, ports),
    replaceSystem(client, ports),
    pushRoster(client, ports),
    requestLooks(client, ports),
    signAuditHeads(client, ports),
    sweepSignIn(client, ports),
    syncSystem(client, ports),
    requestDueSyncs(client, ports),
  ];
}
