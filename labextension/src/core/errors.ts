/** What the server, or the way to it, said was wrong, and what to do about it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The error that an answer with `status` stands for; `body` is what came with it, JSON or not. */
export function errorFrom(status: number, body: unknown): ApiError {
  const error = field(body, 'error');
  const message = text(error, 'message') ?? text(body, 'message') ?? `HTTP ${status}`;
  return new ApiError(status, text(error, 'code') ?? 'unknown', message, text(error, 'hint') ?? '');
}

/** Any thrown thing as an ApiError; what is none had no answer from the server. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) {
    return thrown;
  }
  return new ApiError(
    0,
    'unreachable',
    thrown instanceof Error ? thrown.message : String(thrown),
    ''
  );
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function text(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
