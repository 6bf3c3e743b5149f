import { z } from 'zod';

/** Moodle's REST answers with `moodlewsrestformat=json`: only what is read is named, the rest is cut here. */
const leaf = z.unknown().optional();
const idSchema = z.number().int().positive();
const textSchema = z.string().nullish().catch(null);

/** An error, which comes with HTTP 200. Class names may be namespaced (4.5): `errorcode` decides; an error of PHP itself has none. */
export const exceptionSchema = z.object({ exception: z.string(), errorcode: z.string().catch('') });

export const siteInfoSchema = z.object({
  sitename: z.string().catch(''),
  username: z.string().catch(''),
  fullname: z.string().catch(''),
  userid: z.number().catch(0),
  siteurl: z.string().catch(''),
  release: z.string().catch(''),
  userissiteadmin: z.boolean().optional().catch(undefined),
  functions: z.array(z.object({ name: z.string() })),
});

export const coursesSchema = z.object({ courses: z.array(z.unknown()) });

export const courseSchema = z.object({
  id: leaf,
  fullname: leaf,
  shortname: leaf,
  idnumber: leaf,
  visible: leaf,
  categoryname: leaf,
  timemodified: leaf,
});

/** What answers a call that has nothing to say. */
export const voidSchema = z.null();

/** Ids of what was made, in the order in which it was sent. */
export const madeSchema = z.array(z.object({ id: idSchema }));

/** A list of refusals, one by one; the others were done. */
export const warningsSchema = z.object({
  warnings: z.array(z.object({ itemid: z.number().catch(0), warningcode: z.coerce.string() })),
});

export const savedSchema = warningsSchema.extend({ saved: z.array(z.object({ userid: idSchema })) });

/** A course as it stands, for comparing. Ids that no course has are left out of the answer. */
export const standingCourseSchema = z.object({
  id: idSchema,
  fullname: z.string(),
  shortname: z.string(),
  /** Left out where the token's user may not see it. */
  idnumber: z.string().optional(),
  categoryid: z.number(),
  visible: z.number().catch(1),
  startdate: z.number().catch(0),
  enddate: z.number().catch(0),
  enrollmentmethods: z.array(z.string()).catch([]),
});
export const standingCoursesSchema = z.array(standingCourseSchema);
export const listedCoursesSchema = z.object({ courses: standingCoursesSchema });

export const contentsSchema = z.array(
  z.object({
    summary: textSchema,
    modules: z.array(z.object({ modname: z.string().catch(''), instance: z.number().catch(0) })).catch([]),
  }),
);
export const discussionsSchema = z.object({ discussions: z.array(z.unknown()) });

export const categoriesSchema = z.array(
  z.object({
    id: idSchema,
    name: z.string(),
    /** Null or empty where there is none; left out where it may not be seen. */
    idnumber: z.string().nullish(),
    parent: z.number().catch(0),
    coursecount: z.number().catch(0),
  }),
);

export const usersSchema = z.array(
  z.object({
    id: idSchema,
    /** Left out where the token's user may not see it; so it is with every other field. */
    username: textSchema,
    firstname: textSchema,
    lastname: textSchema,
    fullname: textSchema,
    email: textSchema,
    idnumber: textSchema,
    suspended: z.boolean().catch(false),
  }),
);
export const foundUsersSchema = z.object({ users: usersSchema });

export const enrolledSchema = z.array(
  z.object({
    id: idSchema,
    roles: z.array(z.object({ roleid: z.number() })).catch([]),
    groups: z.array(z.object({ id: idSchema })).catch([]),
  }),
);

export const groupsSchema = z.array(
  z.object({ id: idSchema, courseid: idSchema, name: z.string(), idnumber: z.string().nullish() }),
);

export const cohortsSchema = z.array(
  z.object({ id: idSchema, name: z.string(), idnumber: z.string().nullish(), visible: z.boolean().catch(true) }),
);
export const foundCohortsSchema = z.object({ cohorts: cohortsSchema });
export const cohortMembersSchema = z.array(z.object({ cohortid: idSchema, userids: z.array(z.number()) }));

/** What a person is told of, and by which ways. */
export const notificationsSchema = z.object({
  preferences: z.object({
    components: z.array(
      z.object({
        notifications: z.array(
          z.object({ preferencekey: z.string(), processors: z.array(z.object({ enabled: z.boolean() })) }),
        ),
      }),
    ),
  }),
});

export type StandingCourse = z.infer<typeof standingCourseSchema>;
export type StandingUser = z.infer<typeof usersSchema>[number];
export type StandingGroup = z.infer<typeof groupsSchema>[number];
export type StandingCohort = z.infer<typeof cohortsSchema>[number];
export type StandingCategory = z.infer<typeof categoriesSchema>[number];
