import { connectionsListener } from '#server/features/connections/agreement-listener.ts';
import type { AgreementEvent, AgreementListener } from './listener.ts';

/** Who listens: a feature adds its listener here. */
const listeners: readonly AgreementListener[] = [connectionsListener];

export async function onAgreementInForce(event: AgreementEvent): Promise<void> {
  for (const listener of listeners) await listener.onAgreementInForce(event);
}

export async function onAgreementEnded(event: AgreementEvent): Promise<void> {
  for (const listener of listeners) await listener.onAgreementEnded(event);
}

export async function onAgreementGraceEnded(event: AgreementEvent): Promise<void> {
  for (const listener of listeners) await listener.onAgreementGraceEnded(event);
}
