/** Where millrace says what no caller can be told by an error. `console`, pino and most loggers fit. */
export interface Logger {
  debug(message: string, details?: object): void
  info(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}

/** The default: warnings and errors go to stderr, the rest nowhere. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn: (message, details) => write('warn', message, details),
  error: (message, details) => write('error', message, details),
}

function write(level: string, message: string, details: object | undefined): void {
  process.stderr.write(`millrace ${level}: ${message}${details ? ` ${JSON.stringify(details)}` : ''}\n`)
}
