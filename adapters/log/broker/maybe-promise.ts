/** A value, or a promise of it: hot paths that rarely wait take no promise when they need not. */
export type MaybePromise<T> = T | Promise<T>
