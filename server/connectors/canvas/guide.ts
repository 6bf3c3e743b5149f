import type { GuideStep } from '#server/connectors/contract.ts';

/** What the Canvas administrator does; the texts stand in messages/<locale>/connectors.json. */
export const guide: readonly GuideStep[] = [
  { text: 'canvas.guide.open-developer-keys' },
  { text: 'canvas.guide.new-key' },
  { text: 'canvas.guide.redirect', copy: '{{redirectUri}}' },
  { text: 'canvas.guide.scopes', copy: '{{scopes}}', onlyFor: 'no-people' },
  { text: 'canvas.guide.scopes-people', copy: '{{scopes}}', onlyFor: 'people' },
  { text: 'canvas.guide.switch-on' },
  { text: 'canvas.guide.addresses', copy: '{{addresses}}' },
  { text: 'canvas.guide.service-account', onlyFor: 'no-people' },
  { text: 'canvas.guide.service-account-people', onlyFor: 'people' },
  { text: 'canvas.guide.enter' },
  { text: 'canvas.guide.consent' },
];
