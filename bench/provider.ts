import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import postgres from 'postgres';
import { z } from 'zod';
import { openDatabase } from '#db/client.ts';
import { makeLiveConsumer } from '#server/features/consumers/testing/live-consumer.ts';
import { answerRosterCall } from '#server/features/provider/answer-roster-call.ts';
import { fixedClock } from '#server/kernel/clock.ts';
import { nobody, testNow } from '#server/testing/actors.ts';
import { type Bench, quantile, rounded } from './lib/bench.ts';
import { scratchDatabase } from './lib/scratch-database.ts';

const compressed = promisify(gzip);
const listOfUsers = z.object({ users: z.array(z.record(z.string(), z.unknown())) });
const aloneRows = z.array(z.object({ body: z.string(), last: z.string() }));

/** The same fields of the same people, in the same order, as PostgreSQL makes them into JSON without anybody’s rights asked. */
const alone = `
  select json_build_object('users', json_agg(json_strip_nulls(json_build_object(
           'sourcedId', p.id, 'status', 'active', 'dateLastModified', to_char(p.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'username', p.username, 'enabledUser', case when p.enabled then 'true' else 'false' end,
           'givenName', p.given_name, 'familyName', p.family_name, 'identifier', p.identifier, 'email', p.email, 'grades', to_json(p.grades),
           'roles', (select json_agg(json_build_object('roleType', split_part(told, '|', 2), 'role', split_part(told, '|', 1),
                                     'org', json_build_object('href', 'https://crosswalk.example/ims/oneroster/rostering/v1p2/orgs/' || s.id, 'sourcedId', s.id, 'type', 'org')))
                       from unnest(p.roles) told join roster_site s on s.system_id = p.system_id and s.source_id = split_part(told, '|', 3)))) order by p.source_id))::text as body,
         max(p.source_id) as last
    from (select * from roster_person where school_id = $1 and system_id = $2 and gone_at is null and source_id > $3 order by source_id limit $4) p`;

/** A page of people as a consumer follows `next`, beside the same JSON of PostgreSQL alone. */
export const bench: Bench = {
  about: 'Pages of users of the OneRoster provider, along the followed links, and the same JSON from PostgreSQL alone.',
  options: { people: '50000', page: '10000', rounds: '20' },
  run: async (say, options) => {
    const [people, page, rounds] = z
      .tuple([z.coerce.number().int().min(1), z.coerce.number().int().min(1), z.coerce.number().int().min(1)])
      .parse([options.people, options.page, options.rounds]);
    const scratch = await scratchDatabase();
    const web = openDatabase(scratch.webUrl, { max: 4 });
    const sync = openDatabase(scratch.syncUrl, { max: 1 });
    const admin = postgres(scratch.adminUrl, { max: 2, onnotice: () => undefined });
    const database = { ...scratch, web, sync, admin };
    try {
      say(`Making ${people} people …`);
      const consumer = await makeLiveConsumer(database);
      const { schoolId, sisId } = consumer;
      await admin`
        insert into roster_site (id, school_id, system_id, source_id, content_hash, first_seen_at, name, kind)
        select gen_random_uuid(), ${schoolId}, ${sisId}, 'site-' || n, n, ${testNow}, 'School ' || n, 'school' from generate_series(1, 40) n`;
      await admin`
        insert into roster_group (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, title, site_source_id)
        select gen_random_uuid(), ${schoolId}, ${sisId}, 'group-' || n, n, ${testNow}, 'group', 'Group ' || n, 'site-' || (n % 40 + 1)
          from generate_series(1, greatest(1, ${people}::int / 25)) n`;
      await admin`
        insert into roster_person (id, school_id, system_id, source_id, content_hash, first_seen_at, kind, kinds, username, given_name, family_name,
                                   identifier, email, grades, primary_site_source_id, site_source_ids, roles)
        select gen_random_uuid(), ${schoolId}, ${sisId}, 'person-' || lpad(n::text, 9, '0'), n, ${testNow}, 'student', '{student}', 'user' || n,
               'Given' || n % 977, 'Family' || n % 7919, n::text, 'user' || n || '@school.example', array['0' || n % 9], 'site-' || (n % 40 + 1),
               array['site-' || (n % 40 + 1)], array['student|primary|site-' || (n % 40 + 1) || '||']
          from generate_series(1, ${people}::int) n`;
      await admin`
        insert into roster_enrolment (id, school_id, system_id, source_id, content_hash, first_seen_at, group_id, person_id, role)
        select gen_random_uuid(), p.school_id, p.system_id, 'e-' || p.source_id, 1, ${testNow}, g.id, p.id, 'student'
          from roster_person p
          join roster_group g on g.system_id = p.system_id and g.source_id = 'group-' || (p.identifier::int % greatest(1, ${people}::int / 25) + 1)
         where p.system_id = ${sisId}`;
      await admin`analyze`;

      const clock = fixedClock(testNow);
      const ctx = await nobody(database, { clock });
      const answers: number[] = [];
      const compressing: number[] = [];
      let [bytes, gzipBytes, counted] = [0, 0, 0];
      const walk = async (measured: boolean) => {
        let search: string | null = `?limit=${page}`;
        counted = 0;
        while (search !== null) {
          const began = performance.now();
          const answer = await answerRosterCall(ctx, {
            version: '1.2',
            method: 'GET',
            segments: ['users'],
            search,
            headers: new Headers({ authorization: `Bearer ${consumer.token}` }),
          });
          const took = performance.now() - began;
          if (answer.status !== 200 || answer.body === null) throw new Error(`answered ${answer.status}`);
          const zipping = performance.now();
          const zipped = await compressed(answer.body, { level: 1 });
          if (measured && answer.records === Math.min(page, people)) {
            answers.push(took);
            compressing.push(performance.now() - zipping);
            [bytes, gzipBytes] = [answer.body.byteLength, zipped.byteLength];
          }
          // What a page holds is looked at once: what that leaves behind would be cleared away while the next one is measured.
          counted += measured
            ? answer.records
            : listOfUsers.parse(JSON.parse(Buffer.from(answer.body).toString())).users.length;
          search = /<[^>]*(\?[^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1] ?? null;
        }
        if (counted !== people) throw new Error(`${counted} of ${people} people were told`);
      };
      say('Following the links …');
      await walk(false);
      for (let n = 0; n < rounds; n++) await walk(true);

      say('PostgreSQL alone …');
      const alones: number[] = [];
      let aloneBytes = 0;
      for (let n = 0; n < rounds; n++) {
        let after = '';
        for (let at = 0; at + page <= people; at += page) {
          const began = performance.now();
          const [row] = aloneRows.parse(await admin.unsafe(alone, [schoolId, sisId, after, page]));
          if (n > 0) alones.push(performance.now() - began);
          after = row?.last ?? '';
          aloneBytes = Buffer.byteLength(row?.body ?? '');
        }
      }
      const [p50, p99] = [quantile(answers, 0.5), quantile(answers, 0.99)];
      return {
        people,
        page,
        pages: answers.length,
        answer_p50_ms: rounded(p50),
        answer_p99_ms: rounded(p99),
        gzip1_p50_ms: rounded(quantile(compressing, 0.5)),
        gzip1_p99_ms: rounded(quantile(compressing, 0.99)),
        page_mib: rounded(bytes / 2 ** 20, 2),
        page_gzip1_mib: rounded(gzipBytes / 2 ** 20, 2),
        postgresql_alone_p50_ms: rounded(quantile(alones, 0.5)),
        postgresql_alone_p99_ms: rounded(quantile(alones, 0.99)),
        postgresql_alone_mib: rounded(aloneBytes / 2 ** 20, 2),
      };
    } finally {
      await Promise.all([web.close(), sync.close(), admin.end()]);
      await scratch.drop();
    }
  },
};
