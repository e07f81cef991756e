import { setPatience } from '../../conformance/eventually.ts'

// What containers do takes its time on a machine that is busy with containers. Whatever fails by its own limit says what it was.
setPatience(2)
