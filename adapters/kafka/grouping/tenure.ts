const INCARNATIONS = 256
const RESUMPTIONS = 4_096

/**
 * The epoch of an assignment. A new owner has a later generation (or member epoch); a static member that came back has the same one in
 * another `incarnation`, and a member that begins again what it had given up for itself counts `resumptions`.
 */
export const tenure = (generation: number, incarnation: number, resumptions: number): number =>
  (generation * INCARNATIONS + (incarnation % INCARNATIONS)) * RESUMPTIONS + (resumptions % RESUMPTIONS)
