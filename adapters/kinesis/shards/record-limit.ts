/** The tag of a stream that takes smaller records than the service would: bytes, as a decimal number. */
export const MAX_RECORD_BYTES_TAG = 'millrace.maxRecordBytes'
