import type { GuideStep } from '#server/connectors/contract.ts';

/** What the technical contact does in the SIS; the texts stand in messages/<locale>/connectors.json. */
export const guide: readonly GuideStep[] = [
  { text: 'oneroster.guide.open-clients' },
  { text: 'oneroster.guide.new-client' },
  { text: 'oneroster.guide.scopes', copy: '{{scopes}}' },
  { text: 'oneroster.guide.people', onlyFor: 'no-people' },
  { text: 'oneroster.guide.people-asked', onlyFor: 'people' },
  { text: 'oneroster.guide.addresses', copy: '{{addresses}}' },
  { text: 'oneroster.guide.base-address' },
  { text: 'oneroster.guide.token-address' },
  { text: 'oneroster.guide.enter' },
];
