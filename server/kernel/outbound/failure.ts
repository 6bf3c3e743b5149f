import { errors } from 'undici';
import { CrosswalkError } from '../errors.ts';

/** Codes by which Node's TLS and OpenSSL say that the other side's certificate or handshake is no good. */
const tlsCode =
  /^(?:CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|CRL_|EPROTO$)/;
const timeOutCodes = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
]);
const unknownHostCodes = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
const tooLargeCodes = new Set(['UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_EXCEEDED_MAX_SIZE']);
const ourMistakeCodes = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

function* chain(thrown: unknown): Generator<Error> {
  let current = thrown;
  for (let depth = 0; depth < 6 && current instanceof Error; depth += 1) {
    yield current;
    // Several addresses were tried: the first failure stands for all.
    current = current instanceof AggregateError && current.errors.length > 0 ? current.errors[0] : current.cause;
  }
}

const codeOf = (error: Error): string | null => ('code' in error && typeof error.code === 'string' ? error.code : null);

/**
 * One of ours for whatever undici, TLS, DNS or zlib threw: decided by code. The message is dropped, since it can quote what was
 * sent or received; the code stays as `details.reason`.
 */
export function explainFailure(thrown: unknown, host: string): CrosswalkError {
  let reason: string | null = null;
  for (const error of chain(thrown)) {
    if (error instanceof CrosswalkError) return error;
    // It bears the bytes that it could not read; its code is not always set.
    if (error instanceof errors.HTTPParserError) {
      return new CrosswalkError('foreign-answer-unreadable', { details: { host, reason: 'not-http' } });
    }
    const code = codeOf(error);
    if (code === null) continue;
    reason ??= code;
    const details = { host, reason: code };
    if (unknownHostCodes.has(code)) return new CrosswalkError('host-unknown', { details });
    if (timeOutCodes.has(code)) return new CrosswalkError('timed-out', { details });
    if (tooLargeCodes.has(code)) return new CrosswalkError('answer-too-large', { details });
    if (tlsCode.test(code)) return new CrosswalkError('tls-failed', { details });
    // zlib and Brotli.
    if (/^(?:Z_|ERR__ERROR_)/.test(code)) {
      return new CrosswalkError('foreign-answer-unreadable', { details });
    }
    if (ourMistakeCodes.has(code)) return new CrosswalkError('invalid-input', { details });
  }
  return new CrosswalkError('connection-failed', { details: { host, reason: reason ?? 'unknown' } });
}
