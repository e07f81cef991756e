/** Cases that the core fails on every backend for now. A waiver fails the suite when its case passes: remove it then. */
export const coreWaivers = {
  'parking/redrive-before-its-turn':
    'admission passes over a record whose turn has not come (admission.ts), so a redrive that goes on where an earlier one ended loses it',
}
