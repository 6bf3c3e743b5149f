import { z } from 'zod';
import { webAddressSchema } from '#server/connectors/exchange/web-address.ts';

export const settingsSchema = z.object({
  /** Moodle's own `wwwroot`: `https://moodle.school.example` or with a path behind it. */
  baseUrl: webAddressSchema,
});
export type Settings = z.infer<typeof settingsSchema>;

export const secretSchema = z.object({ token: z.string().trim().min(1).max(200) });
export type Secret = z.infer<typeof secretSchema>;

/** The web service functions that courses and their ids need. */
export const courseFunctions = ['core_webservice_get_site_info', 'core_course_get_courses_by_field'] as const;
export type WsFunction = (typeof courseFunctions)[number];
