import QRCode from 'qrcode';
import { z } from 'zod';
import { totp } from '#db/schema/people.ts';
import { CrosswalkError } from '#server/kernel/errors.ts';
import { seal } from '#server/kernel/sealed.ts';
import { defineVerb } from '#server/kernel/verb.ts';
import { hasSecondFactor, newTotpSecret, sealedTotpPlace, totpUri } from './second-factor.ts';
import { signedInUser } from './signed-in-user.ts';

/**
 * Begins the set-up of an authenticator app: a new secret that counts only once a code of it was given (`confirmTotp`).
 * Beginning anew replaces an unconfirmed one. `state-forbids` where one is set up already.
 * @returns the secret for typing, and its QR code as SVG text.
 */
export const beginTotp = defineVerb({
  name: 'people.begin-totp',
  kind: 'command',
  access: [{ signedIn: true, half: true }],
  input: z.object({}),
  run: async ({ ctx, tx, audit }) => {
    const user = signedInUser(ctx);
    if (await hasSecondFactor(tx, user.userId)) throw new CrosswalkError('state-forbids');
    const secret = newTotpSecret();
    const row = {
      sealedSecret: seal(ctx.keyring, secret, sealedTotpPlace(user.userId)),
      confirmedAt: null,
      lastStep: null,
      createdAt: ctx.clock.now(),
    };
    await tx
      .insert(totp)
      .values({ userId: user.userId, ...row })
      .onConflictDoUpdate({ target: totp.userId, set: row });
    audit({ action: 'people.totp-begun', subjectKind: 'user', subjectId: user.userId });
    const qr = await QRCode.toString(totpUri(secret, user.email), {
      type: 'svg',
      errorCorrectionLevel: 'M',
      margin: 2,
    });
    return { secret: secret.replace(/(.{4})(?=.)/g, '$1 '), qr };
  },
});
