import { expect, test, vi } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import { quiet } from '../../../conformance/connection.ts'

vi.mock('@platformatic/kafka', () => {
  throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
})

test('driver=direct with SASL and without its package says what to install, and for which Node', async () => {
  const opening = openKafka('kafka://127.0.0.1:1?driver=direct&sasl=plain', {
    logger: quiet,
    credentials: { username: 'a', password: 'b' },
  })
  await expect(opening).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringMatching(/Node 22\.22, 24\.6 or newer.*npm install @platformatic\/kafka$/),
  })
})

test('without SASL it needs no package', async () => {
  const opening = openKafka('kafka://127.0.0.1:1?driver=direct', { logger: quiet })
  await expect(opening).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
