const STEPS = 256

/**
 * The epoch of an assignment. A new owner has a later generation (or member epoch); a static member that came back has the same one in
 * another `incarnation`, and a member that begins again what it had given up for itself counts `resumptions`.
 */
export const tenure = (generation: number, incarnation: number, resumptions: number): number =>
  (generation * STEPS + (incarnation % STEPS)) * STEPS + (resumptions % STEPS)
