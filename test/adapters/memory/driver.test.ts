import { openMemory } from '../../../adapters/memory/index.ts'
import { driverCases } from '../log/broker/support/cases.ts'
import { options } from '../log/broker/support/open.ts'

driverCases({ name: 'memory', open: (parameters = '') => openMemory(`memory:${parameters}`, options) })
