/**
 * Errors in OpenAI's form: a status, and a body `{ error: { message, type, param, code } }`. What clients look at
 * is the status and `code`.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  /** The field of the request that is wrong. */
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    message: string,
    {
      type = status < 500 ? 'invalid_request_error' : 'server_error',
      code = null,
      param = null,
      headers = {},
    }: Partial<Pick<ApiError, 'type' | 'code' | 'param' | 'headers'>> = {},
  ) {
    super(message);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
    this.headers = headers;
  }
}

export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export function errorBody({ message, type, param, code }: ApiError): ErrorBody {
  return { error: { message, type, param, code } };
}

export function badRequest(message: string, param: string | null = null): ApiError {
  return new ApiError(400, message, { param });
}

export function contextTooLong(
  most: number,
  promptTokens: number,
  outputTokens: number,
  param: string,
): ApiError {
  const asked = `${promptTokens + outputTokens} tokens (${promptTokens} in the prompt, ${outputTokens} in the answer)`;
  return new ApiError(
    400,
    `This model's maximum context length is ${most} tokens. However, you requested ${asked}. ` +
      'Please reduce the length of the prompt or of the answer.',
    { code: 'context_length_exceeded', param },
  );
}

export function unknownModel(model: string): ApiError {
  return new ApiError(404, `The model \`${shortened(model)}\` does not exist.`, {
    code: 'model_not_found',
    param: 'model',
  });
}

/** Too many requests are there already; the client may come again in so many seconds. */
export function queueFull(why: string, seconds: number): ApiError {
  return new ApiError(429, `${why}. Please try again in ${seconds} s.`, {
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    headers: { 'retry-after': String(seconds) },
  });
}

/** A part of a request, as short as a message bears. */
export function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Any failure as one of the API; what is none is a fault of the endpoint's own. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new ApiError(500, `internal error: ${text}`, { code: 'internal_error' });
}
