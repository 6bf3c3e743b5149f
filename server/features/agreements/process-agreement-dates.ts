import { and, asc, count, eq, isNull, ne } from 'drizzle-orm';
import { z } from 'zod';
import { agreement, connection, receipt, reminder } from '#db/schema/index.ts';
import { idSchema, newId } from '#server/kernel/ids.ts';
import { addDays, type LocalDate, localDate } from '#server/kernel/local-date.ts';
import { defineVerb, type Work } from '#server/kernel/verb.ts';
import { type AgreementRow, factsOf } from './agreement-row.ts';
import { drawersOf, drawersUrl, mailTo, peopleWithRole, schoolsUrl } from './mail-about-agreement.ts';
import { onAgreementEnded, onAgreementGraceEnded } from './ports.ts';
import { othersInForce, putInForce } from './put-in-force.ts';
import { reminderDue } from './reminder-due.ts';
import { schoolInScope } from './school-facts.ts';
import { judge, nextState } from './state-machine.ts';

/**
 * Does for one school what today asks for, in the school's time zone and in one transaction: ends what is over, puts a
 * waiting renewal in force, pauses connections if no agreement is left, expires them when the grace is over, reminds. Safe
 * to repeat: what is done is not due any more.
 */
export const processAgreementDates = defineVerb({
  name: 'agreements.process-dates',
  kind: 'command',
  access: [{ job: true }],
  input: z.object({ schoolId: idSchema }),
  unaudited: 'a day on which nothing is due changes nothing',
  run: async ({ input, party: _party, ...work }) => {
    const { ctx, tx } = work;
    const school = await schoolInScope(tx, input.schoolId, { lock: true });
    const today = localDate(ctx.clock.now(), school.timeZone);
    const read = () =>
      tx.select().from(agreement).where(eq(agreement.schoolId, school.id)).orderBy(asc(agreement.createdAt));
    const ended: AgreementRow[] = [];
    for (const row of await read()) {
      if (row.endsOn !== null && row.endsOn < today && 'to' in judge(factsOf(row), 'end')) {
        await end(work, row, school.name);
        ended.push(row);
      }
    }
    let started = 0;
    for (const row of await read()) {
      if (!('to' in judge(factsOf(row), 'start')) || row.termEnd < today) continue;
      const blocked = (await othersInForce(tx, row)).some((other) => other.agentId === row.agentId);
      if (blocked) continue;
      await putInForce(work, row, school.name);
      started += 1;
    }
    const rows = await read();
    const anyInForce = rows.some((row) => 'to' in judge(factsOf(row), 'end'));
    for (const row of ended) {
      if (anyInForce) continue;
      await onAgreementEnded({ work, schoolId: school.id, agreementId: row.id, graceEndsOn: graceEnd(row) });
    }
    let graceEnded = 0;
    for (const row of rows) {
      if (!('to' in judge(factsOf(row), 'end-grace')) || graceEnd(row) >= today) continue;
      await tx.update(agreement).set({ graceEndedAt: ctx.clock.now() }).where(eq(agreement.id, row.id));
      work.audit({ action: 'agreements.grace-ended', subjectKind: 'agreement', subjectId: row.id });
      const stillInGrace = rows.some((other) => other.state === 'ended' && graceEnd(other) >= today);
      if (!anyInForce && !stillInGrace) {
        await onAgreementGraceEnded({ work, schoolId: school.id, agreementId: row.id, graceEndsOn: null });
      }
      graceEnded += 1;
    }
    let reminded = 0;
    for (const row of rows) if (await remind(work, row, { today, school })) reminded += 1;
    return { ended: ended.length, started, graceEnded, reminded };
  },
});

const graceEnd = (row: AgreementRow): LocalDate => addDays(row.endsOn ?? row.termEnd, row.graceDays);

async function end(work: Work, row: AgreementRow, schoolName: string): Promise<void> {
  const { ctx, tx } = work;
  const state = nextState(factsOf(row), 'end');
  const now = ctx.clock.now();
  await tx.update(agreement).set({ state, endedAt: now }).where(eq(agreement.id, row.id));
  const [connections] = await tx
    .select({ n: count() })
    .from(connection)
    .where(and(eq(connection.schoolId, row.schoolId), isNull(connection.endedAt), ne(connection.state, 'draft')));
  const reason = row.state === 'notice-given' ? `notice-by-${row.noticeBy ?? 'operator'}` : 'term-over';
  const endsOn = row.endsOn ?? row.termEnd;
  await tx.insert(receipt).values({
    id: newId(),
    schoolId: row.schoolId,
    kind: 'agreement-ended',
    subjectId: row.id,
    facts: { endsOn, graceEndsOn: graceEnd(row), connections: connections?.n ?? 0 },
    reason,
    at: now,
  });
  work.audit({ action: 'agreements.ended', subjectKind: 'agreement', subjectId: row.id, details: { endsOn, reason } });
  const parameters = { organisation: schoolName, endsOn, graceEndsOn: graceEnd(row) };
  await mailTo(work, await peopleWithRole(tx, row.schoolId, ['signatory', 'school-administrator']), {
    template: 'agreement-ended',
    schoolId: row.schoolId,
    parameters: { ...parameters, url: schoolsUrl(work, row) },
  });
  await mailTo(work, await drawersOf(tx, row), {
    template: 'agreement-ended-agent',
    schoolId: null,
    parameters: { ...parameters, url: drawersUrl(work, row) },
  });
  await work.emit('agreement/changed', { schoolId: row.schoolId, agreementId: row.id });
}

async function remind(
  work: Work,
  row: AgreementRow,
  { today, school }: { today: LocalDate; school: { id: string; name: string; timeZone: string } },
): Promise<boolean> {
  if (!('to' in judge(factsOf(row), 'end')) || row.endsOn === null || row.inForceAt === null) return false;
  const due = reminderDue(today, row.endsOn, localDate(row.inForceAt, school.timeZone));
  if (due === null) return false;
  const mark = { schoolId: school.id, subject: 'agreement' as const, subjectId: row.id, occasion: due.occasion };
  const inserted = await work.tx
    .insert(reminder)
    .values({ id: newId(), ...mark, at: work.ctx.clock.now() })
    .onConflictDoNothing()
    .returning({ id: reminder.id });
  if (inserted.length === 0 || !due.send) return false;
  const parameters = { organisation: school.name, endsOn: row.endsOn, days: due.daysLeft };
  await mailTo(work, await peopleWithRole(work.tx, school.id, ['signatory', 'school-administrator']), {
    template: 'agreement-ends-soon',
    schoolId: school.id,
    parameters: { ...parameters, url: schoolsUrl(work, row) },
  });
  await mailTo(work, await drawersOf(work.tx, row), {
    template: 'agreement-ends-soon',
    schoolId: null,
    parameters: { ...parameters, url: drawersUrl(work, row) },
  });
  work.audit({
    action: 'agreements.reminded',
    subjectKind: 'agreement',
    subjectId: row.id,
    details: { occasion: due.occasion },
  });
  return true;
}
