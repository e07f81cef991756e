/** What the fake and LocalStack take from anybody. Set for child processes too, which get none by their options. */
export function setCredentials(): void {
  process.env.AWS_ACCESS_KEY_ID = 'AKIAFAKE'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
}
