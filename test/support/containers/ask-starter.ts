/** The address from a URL that `startWhenAsked` provided. Apart, so that test files do not load testcontainers. */
export async function askStarter(url: string, what: string): Promise<string> {
  const answer = await fetch(url)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${what} did not start: ${text}`)
  return text
}
