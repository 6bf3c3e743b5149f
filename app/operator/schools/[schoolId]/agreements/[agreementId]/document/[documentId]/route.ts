import { documentResponse } from '#components/agreements/document-response.ts';

interface Address {
  readonly params: Promise<{ schoolId: string; agreementId: string; documentId: string }>;
}

export async function GET(_request: Request, { params }: Address): Promise<Response> {
  return documentResponse(await params);
}
