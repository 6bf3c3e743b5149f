import { webProcess } from '#server/trpc/context.ts';
import { answerTrpc } from '#server/trpc/http-handler.ts';

const handler = async (request: Request) => answerTrpc(await webProcess(), request);

export { handler as GET, handler as POST };
