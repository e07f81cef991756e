import path from 'node:path'
import { openLog } from '../../../../adapters/log/index.ts'
import { driverCases } from './support/cases.ts'
import { options, temporaryFolder } from './support/open.ts'

driverCases({
  name: 'log',
  open: (parameters = '') => openLog(`log:${path.join(temporaryFolder(), 'data')}${parameters}`, options),
})
