import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemOf } from './sis-problems.ts';
import { sisErrorSchema } from './wire.ts';

const ours = { isNumberedByUs: true, isRemoval: false };
const compared = { isNumberedByUs: false, isRemoval: false };
const told = (file: string, message: string, row: number | null = null, row_info: string | null = null) => ({
  file,
  message,
  row,
  row_info,
});

describe('what Canvas complained of', () => {
  it('is of the change in that line, where the lines are ours', () => {
    const error = told(
      'enrollments.crosswalk-1.csv',
      'User not found for enrollment (User ID: p, Course ID: , Section ID: s)',
      5,
    );
    expect(problemOf(error, ours)).toEqual({
      entity: 'enrolment',
      at: { ordinal: 4 },
      isTaken: false,
      problem: 'user-missing',
      details: {},
    });
  });

  it.each([
    ['users.m.csv', 'p-1,ann,Ann,"Bee, the",,active,m,7\n', 'p-1'],
    ['sections.m.csv', '"s,""1""",c,Name,active,,2\n', 's,"1"'],
    ['groups_membership.m.csv', 'g-1,p-1,accepted,,2\n', 'p-1 g-1'],
    [
      'enrollments.m.csv',
      '[{:course_id=>nil, :section_id=>"s-1", :user_id=>"p\\"1", :role=>"student", :status=>"active"}]',
      'p"1 s-1 student',
    ],
    ['enrollments.m.csv', '[{course_id: "c-1", section_id: nil, user_id: "p-1", role: "teacher"}]', 'p-1 c-1 teacher'],
    ['enrollments.m.csv', ',s-1,p-1,student,active,,2\n', 'p-1 s-1 student'],
  ])('is of the row that it tells, where Canvas numbered lines of its own: %s %s', (file, info, key) => {
    expect(problemOf(told(file, 'Something new', 2, info), compared)).toMatchObject({
      at: { key },
      problem: 'refused',
    });
  });

  it.each([
    [
      "An existing Canvas user with the SIS ID x has already claimed y's user_id requested login information, skipping",
      'username-taken',
      false,
    ],
    ["The email address associated with user 'p' is invalid (email: 'x')", 'email-refused', true],
    ['Account not found "a" for course c', 'parent-missing', false],
    [
      'A course did not pass validation (course: c / s, error: Name is too long (maximum is 255 characters))',
      'name-refused',
      false,
    ],
    ["Could not save the user with user_id: 'p'. Invalid login_id: 'x'", 'username-refused', false],
    ["Kann den Benutzer mit user_id 'p' nicht speichern.", 'refused', false],
  ] as const)('%s', (message, problem, isTaken) => {
    expect(problemOf(told('users.m.csv', message, 2), ours)).toMatchObject({ problem, isTaken });
  });

  it('a word about the file, the comparison or a file that is not ours is of no change', () => {
    expect(
      problemOf(told('users.m.csv', "Couldn't generate diff: CSV headers do not match, cannot diff"), ours),
    ).toBeNull();
    expect(problemOf({ ...told('', 'Diffing not performed'), file: null }, ours)).toBeNull();
    expect(problemOf(told('pupils.csv', 'User not found', 3), ours)).toBeNull();
  });

  it('who is not there need not go', () => {
    const error = told(
      'enrollments.m.csv',
      'User not found for enrollment (User ID: p)',
      2,
      ',s,p,student,deleted,m,2',
    );
    expect(problemOf(error, { isNumberedByUs: false, isRemoval: true })).toMatchObject({
      isTaken: true,
      at: { key: 'p s student' },
    });
  });

  it('any answer at all gives a problem or none, and never what the row said', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.option(fc.integer()),
        fc.option(fc.string()),
        (file, message, row, info) => {
          const parsed = sisErrorSchema.parse({ file: `users.${file}`, message, row, row_info: info });
          const problem = problemOf(parsed, compared);
          return problem === null || Object.keys(problem.details).length === 0;
        },
      ),
    );
  });
});
