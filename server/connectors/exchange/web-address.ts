import { z } from 'zod';

/**
 * An address as somebody types or pastes it: white space around it, slashes behind it; no query, no user, no fragment. What may be
 * reached is the outbound client's to say.
 */
export const webAddressSchema = z
  .string()
  .trim()
  .max(500)
  .pipe(z.url({ protocol: /^https?$/ }))
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.search === '' && url.username === '' && url.password === '';
  })
  .transform((text) => {
    const url = new URL(text);
    url.hash = '';
    return url.toString().replace(/\/+$/, '');
  });
