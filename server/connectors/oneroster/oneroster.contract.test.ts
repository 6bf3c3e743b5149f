import { startSis } from '#sandbox/sis/server.ts';
import { describeConnector } from '../contract-suite.ts';

const slug = 'lindenhof';

for (const version of ['1.2', '1.1'] as const) {
  describeConnector({
    connector: 'oneroster',
    scopes: ['roster.subjects', 'roster.streams', 'roster.groups'],
    largest: 'groups',
    path: '*/classes',
    people: /users|students|teachers|enrollments|demographics/i,
    pages: true,
    totals: true,
    foreignNext: 'counts-pages',
    refusedOnce: 'renews',
    ended: 'renews',
    secrets: () => [
      `registra-${slug}-demo-secret`,
      Buffer.from(`:registra-${slug}-demo-secret`).toString('base64').slice(4, 20),
    ],
    start: async () => {
      const sis = await startSis({ schools: [slug] });
      const school = sis.school(slug);
      const data = sis.data(slug);
      const live = (records: Iterable<{ status: string }>) =>
        [...records].filter((record) => record.status === 'active').length;
      return {
        settings: {
          version,
          baseUrl: version === '1.2' ? school.baseV1p2 : school.baseV1p1,
          tokenUrl: school.tokenUrl,
        },
        secret: school.client,
        tokens: null,
        faults: sis.faults,
        requests: () => sis.requests(slug),
        clearRequests: () => sis.log.clear(),
        count: (collection) =>
          ({
            sites: live(data.orgs.values()),
            terms: live(data.academicSessions.values()),
            subjects: live(data.courses.values()),
            groups: live(data.classes.values()),
            courses: 0,
          })[collection],
        close: sis.close,
      };
    },
  });
}
