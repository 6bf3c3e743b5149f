import { listCourses } from '#server/features/roster-browser/list-courses.ts';
import { listGroups } from '#server/features/roster-browser/list-groups.ts';
import { listPeople } from '#server/features/roster-browser/list-people.ts';
import { listStreams } from '#server/features/roster-browser/list-streams.ts';
import { listSubjects } from '#server/features/roster-browser/list-subjects.ts';
import { receivedOverview } from '#server/features/roster-browser/received-overview.ts';
import { viewGroup } from '#server/features/roster-browser/view-group.ts';
import { viewPerson } from '#server/features/roster-browser/view-person.ts';
import { query, router } from '../init.ts';

/** What was received of a school's systems, for the school's own roles. */
export const dataRouter = router({
  overview: query(receivedOverview),
  subjects: query(listSubjects),
  streams: query(listStreams),
  groups: query(listGroups),
  courses: query(listCourses),
  people: query(listPeople),
  person: query(viewPerson),
  group: query(viewGroup),
});
