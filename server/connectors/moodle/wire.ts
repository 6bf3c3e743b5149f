import { z } from 'zod';

/** Moodle's REST answers with `moodlewsrestformat=json`: only what is read is named, the rest is cut here. */
const leaf = z.unknown().optional();

/** An error, which comes with HTTP 200. Class names may be namespaced (4.5): `errorcode` decides. */
export const exceptionSchema = z.object({ exception: z.string(), errorcode: z.string() });

export const siteInfoSchema = z.object({
  sitename: z.string().catch(''),
  username: z.string().catch(''),
  fullname: z.string().catch(''),
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
