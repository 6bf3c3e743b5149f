import NextAuth from 'next-auth';
import { authConfig } from '#server/trpc/auth-config.ts';
import { webProcess } from '#server/trpc/context.ts';

export const { handlers, signIn } = NextAuth(async (request) => {
  const web = await webProcess();
  // Addresses that Auth.js makes (the OpenID callback above all) come from here, never from a request's host header.
  process.env.AUTH_URL = web.baseUrl;
  return authConfig(web, request);
});
