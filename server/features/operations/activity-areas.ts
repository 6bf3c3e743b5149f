/** What a school filters its activity by; no database here, so that the page may import it. */
export const activityAreas = ['decisions', 'credentials', 'data', 'agreements', 'people', 'school'] as const;
export type ActivityArea = (typeof activityAreas)[number];

/** Which actions (`<prefix>.<what>`) belong to an area. */
export const prefixesOfArea: Readonly<Record<ActivityArea, readonly string[]>> = {
  decisions: ['request', 'connection', 'grant'],
  credentials: ['credential', 'system'],
  data: ['sync', 'register', 'audit', 'withheld', 'streams', 'replacement'],
  agreements: ['agreements'],
  people: ['people'],
  school: ['school', 'schools'],
};
