import { type NextRequest, NextResponse } from 'next/server';

/**
 * A convenience, no guard: who has no session cookie at all is led to the sign-in page and back to where he wanted to
 * go. Whoever has one, real or not, passes; who may see or do what is decided in every procedure.
 */
export function proxy(request: NextRequest): NextResponse {
  if (request.cookies.has('crosswalk-session') || request.cookies.has('__Host-crosswalk-session')) {
    return NextResponse.next();
  }
  const { pathname, search } = request.nextUrl;
  const to = request.nextUrl.clone();
  to.pathname = '/sign-in';
  to.search = `?next=${encodeURIComponent(`${pathname}${search}`)}`;
  return NextResponse.redirect(to);
}

export const config = {
  matcher: ['/start', '/account/:path*', '/school/:path*', '/agent/:path*', '/operator/:path*', '/vendor/:path*'],
};
