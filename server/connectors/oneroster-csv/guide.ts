import type { GuideStep } from '#server/connectors/contract.ts';

const sftp = { field: 'way', is: ['sftp'] } as const;

/** What the technical contact does in the SIS; the texts stand in messages/<locale>/connectors.json. */
export const guide: readonly GuideStep[] = [
  { text: 'oneroster-csv.guide.export' },
  { text: 'oneroster-csv.guide.files' },
  { text: 'oneroster-csv.guide.people', onlyFor: 'no-people' },
  { text: 'oneroster-csv.guide.upload', onlyWhen: { field: 'way', is: ['upload'] } },
  { text: 'oneroster-csv.guide.folder', onlyWhen: sftp },
  {
    text: 'oneroster-csv.guide.fingerprint',
    copy: 'ssh-keyscan -p 22 sftp.example.org | ssh-keygen -lf -',
    onlyWhen: sftp,
  },
  { text: 'oneroster-csv.guide.whole-files', onlyWhen: sftp },
];
