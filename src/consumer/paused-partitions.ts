/** Which partitions do not fetch: all, those of a topic, or single ones, with what was resumed out of these. */
export class PausedPartitions {
  private readonly marks = new Map<string, boolean>()

  set(paused: boolean, topic?: string, partition?: string): void {
    // A wider mark replaces the narrower ones below it.
    const scope = scopeOf(topic, partition)
    for (const mark of this.marks.keys()) if (mark.startsWith(scope)) this.marks.delete(mark)
    this.marks.set(scope, paused)
  }

  has(topic: string, partition: string): boolean {
    return (
      this.marks.get(scopeOf(topic, partition)) ??
      this.marks.get(scopeOf(topic)) ??
      this.marks.get(scopeOf()) ??
      false
    )
  }
}

/** A prefix of the scopes within it; neither names nor ids hold a slash. */
function scopeOf(topic?: string, partition?: string): string {
  if (topic === undefined) return ''
  return partition === undefined ? `${topic}/` : `${topic}/${partition}/`
}
