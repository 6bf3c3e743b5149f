import { webJobsHandler } from '#server/jobs/web-handler.ts';

export const dynamic = 'force-dynamic';

/** The job handler for hosting without a worker's port (INNGEST_SERVE_IN_WEB=1); else there is nothing here. */
async function handle(request: Request): Promise<Response> {
  const handler = await webJobsHandler();
  return handler === null ? new Response(null, { status: 404 }) : handler(request);
}

export { handle as GET, handle as POST, handle as PUT };
