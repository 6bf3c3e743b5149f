/** Which schools there are, and the plan of each: sites, streams, homerooms, groups, and who teaches what. */

import type { SitePlan, StreamPlan, Subject } from './flavours.ts';
import {
  brackenfieldSites,
  cedarValleySites,
  curriculum,
  homeroomSubject,
  lindenhofSites,
  orchestraSubject,
  waterkantSites,
} from './flavours.ts';
import type { Country } from './names.ts';
import { places } from './names.ts';
import type { KeyStart } from './prng.ts';
import { at, draw, startKey, uuidFor } from './prng.ts';

/**
 * `demo` is a school group of about 900 students, `district` has about 50,000, `metropolis` about 1.1 million with 7 million enrolments.
 * The larger ones repeat the demo's sites with more and fuller homerooms.
 */
export type Size = 'demo' | 'district' | 'metropolis';

export type School = {
  slug: string;
  name: string;
  country: Country;
  /** The number by which the country's register knows the school. */
  registerNumber: string;
  emailDomain: string;
  /** The year in which the school year starts: 2026 means 2026/2027. */
  schoolYear: number;
  seed: string;
  size: Size;
  /** The plans that are written down; `siteAt` repeats them up to `siteCount`. */
  sites: readonly SitePlan[];
  siteCount: number;
};

type Written = Omit<School, 'schoolYear' | 'seed' | 'size' | 'siteCount'>;

const written: readonly Written[] = [
  {
    slug: 'lindenhof',
    name: 'Lindenhof Schools',
    country: 'NL',
    registerNumber: '99LH',
    emailDomain: 'lindenhof.example',
    sites: lindenhofSites,
  },
  {
    slug: 'brackenfield',
    name: 'Brackenfield Learning Trust',
    country: 'GB',
    registerNumber: '990100',
    emailDomain: 'brackenfield.example',
    sites: brackenfieldSites,
  },
  {
    slug: 'cedar-valley',
    name: 'Cedar Valley School District',
    country: 'US',
    registerNumber: '9900001',
    emailDomain: 'cedarvalley.example',
    sites: cedarValleySites,
  },
  {
    slug: 'waterkant',
    name: 'Waterkant College',
    country: 'NL',
    registerNumber: '99WK',
    emailDomain: 'waterkant.example',
    sites: waterkantSites,
  },
];

/** The slugs of the schools that the demo tells its story with. */
export const demoSlugs: readonly string[] = written.map((school) => school.slug);

export type SchoolOptions = {
  slug: string;
  seed?: string;
  schoolYear?: number;
  size?: Size;
  name?: string;
  /** Fewer sites than the size has: a sample of a large school, record by record the same as its beginning. */
  sites?: number;
};

const scale: Record<Exclude<Size, 'demo'>, { sites: number; homerooms: number; seats: number }> = {
  district: { sites: 44, homerooms: 3.3, seats: 1.25 },
  metropolis: { sites: 960, homerooms: 3.3, seats: 1.25 },
};

/** The school of a slug. A slug that is not written down here gets Waterkant's plan under its own name and seed. */
export function schoolOf(options: SchoolOptions): School {
  const { slug, seed = '1', schoolYear = 2026, size = 'demo' } = options;
  const known = written.find((school) => school.slug === slug);
  const base = known ?? {
    ...at(written, 3),
    slug,
    name: `${slug.charAt(0).toUpperCase()}${slug.slice(1)} School`,
    registerNumber: `99${draw(`register/${slug}`, 9000) + 1000}`,
    emailDomain: `${slug}.example`,
  };
  const siteCount =
    size === 'demo' ? base.sites.length : Math.min(scale[size].sites, options.sites ?? scale[size].sites);
  return { ...base, name: options.name ?? base.name, seed: `${slug}/${seed}`, schoolYear, size, siteCount };
}

/** The plan of the site at an index, or undefined past the last one. Random access, so that nothing has to be held. */
export function siteAt(school: School, index: number): SitePlan | undefined {
  if (index >= school.siteCount) return undefined;
  if (school.size === 'demo') return school.sites[index];
  const { homerooms, seats } = scale[school.size];
  const template = at(school.sites, index % school.sites.length);
  const number = String(index + 1).padStart(4, '0');
  return {
    code: `${template.code}${number}`,
    name: `${at(places, draw(`${school.seed}/place/${index}`, places.length))} ${template.name.split(' ').slice(1).join(' ')} ${index + 1}`,
    identifier: `${school.registerNumber}${number}`,
    streams: template.streams.map((plan) => ({
      ...plan,
      homerooms: Math.round(plan.homerooms * homerooms),
      seats: Math.round(plan.seats * seats),
    })),
  };
}

/** Every site of a school with its index. */
export function* sitesOf(school: School): Generator<{ site: SitePlan; index: number }> {
  for (let index = 0; ; index++) {
    const site = siteAt(school, index);
    if (site === undefined) return;
    yield { site, index };
  }
}

export type Homeroom = { key: string; title: string; plan: StreamPlan; seats: number; index: number };

/** A class before it becomes a record: which subject for which part of which stream. */
export type ClassPlan = {
  key: string;
  id: string;
  title: string;
  code: string;
  kind: 'homeroom' | 'scheduled';
  subject: Subject;
  plan: StreamPlan | null;
};

/** The classes that the students of one homeroom follow or choose from. `electives` are groups by subject. */
export type HomeroomClasses = {
  own: ClassPlan;
  core: readonly ClassPlan[];
  electives: readonly (readonly ClassPlan[])[];
};

export type TeacherPlan = { key: string; id: string; subject: Subject; number: number; alsoAtNextSite: boolean };

/** The classes and teachers of one site. `classesOf` is by the homeroom's index. */
export type Timetable = {
  classes: readonly ClassPlan[];
  classesOf: readonly HomeroomClasses[];
  talent: ClassPlan;
  orchestra: ClassPlan;
  teachers: readonly TeacherPlan[];
};

/** Everything about one site that its records refer to; the only thing the generators hold, and only one at a time. */
export type SiteContext = {
  school: School;
  site: SitePlan;
  index: number;
  siteId: string;
  homerooms: readonly Homeroom[];
  /** Made when it is first asked for: most people are known without it. */
  timetable(): Timetable;
};

const letter = (n: number): string => (n < 26 ? String.fromCharCode(97 + n) : `${n + 1}`);

/** Keys that the records of a school begin with, hashed once. */
type SchoolKeys = Record<
  'student' | 'left' | 'choice1' | 'choice2' | 'group' | 'talent' | 'orchestra' | 'guest',
  KeyStart
>;

const keys = new WeakMap<School, SchoolKeys>();

export function keysOf(school: School): SchoolKeys {
  const known = keys.get(school);
  if (known !== undefined) return known;
  const start = (name: string): KeyStart => startKey(`${school.seed}/${name}/`);
  const made = {
    student: start('student'),
    left: start('left'),
    choice1: start('choice-1'),
    choice2: start('choice-2'),
    group: start('group'),
    talent: start('talent'),
    orchestra: start('orchestra'),
    guest: start('guest'),
  };
  keys.set(school, made);
  return made;
}

export const siteIdOf = (school: School, site: SitePlan): string => uuidFor(`${school.seed}/org/${site.code}`);

function homeroomsOf(school: School, site: SitePlan): Homeroom[] {
  const homerooms: Homeroom[] = [];
  for (const plan of site.streams) {
    for (let n = 0; n < plan.homerooms; n++) {
      const title = `${plan.stream.code}${letter(n)}`;
      const key = `${site.code}/${plan.stream.code}/hr${n}`;
      const seats = plan.seats + draw(`${school.seed}/seats/${key}`, 3) - 1;
      homerooms.push({ key, title, plan, seats, index: homerooms.length });
    }
  }
  return homerooms;
}

/** The subjects of a stream: those of the whole homeroom and those to choose from. Large sizes teach fewer, as counts need. */
export function subjectsOf(
  school: School,
  plan: StreamPlan,
): { core: readonly Subject[]; electives: readonly Subject[] } {
  const { core, electives } = curriculum[school.country];
  const turn = draw(`${school.seed}/electives/${plan.stream.code}`, electives.length);
  const offered = [0, 1, 2, 3].map((n) => at(electives, (turn + n) % electives.length));
  return { core: school.size === 'demo' ? core : core.slice(0, 3), electives: offered };
}

/** How many parallel groups an elective of a stream has. */
const electiveGroups = (school: School, plan: StreamPlan): number =>
  Math.max(1, school.size === 'demo' ? Math.ceil(plan.homerooms * 0.75) : Math.floor(plan.homerooms * 0.75));

function classPlan(school: School, parts: Omit<ClassPlan, 'id'>): ClassPlan {
  return { ...parts, id: uuidFor(`${school.seed}/class/${parts.key}`) };
}

const talentPlan = (school: School, site: SitePlan): ClassPlan =>
  classPlan(school, {
    key: `${site.code}/talent`,
    title: `Talent & Bilingual ${site.code}`,
    code: `TAL.${site.code}`,
    kind: 'homeroom',
    subject: homeroomSubject,
    plan: null,
  });

/** The class in which a site's orchestra meets, guests from the site before it included. */
export const orchestraPlan = (school: School, site: SitePlan): ClassPlan =>
  classPlan(school, {
    key: `${site.code}/orchestra`,
    title: `Orchestra “Da capo” ${site.code}`,
    code: `ORC.${site.code}`,
    kind: 'scheduled',
    subject: orchestraSubject,
    plan: null,
  });

function homeroomClasses(school: School, homeroom: Homeroom): Omit<HomeroomClasses, 'electives'> {
  const { key, title, plan } = homeroom;
  const own = classPlan(school, { key, title, code: title, kind: 'homeroom', subject: homeroomSubject, plan });
  const core = subjectsOf(school, plan).core.map((subject) =>
    classPlan(school, {
      key: `${key}/${subject.key}`,
      title: `${subject.title} ${title}`,
      code: `${subject.code}.${title}`,
      kind: 'scheduled',
      subject,
      plan,
    }),
  );
  return { own, core };
}

function electiveClasses(school: School, site: SitePlan, plan: StreamPlan): ClassPlan[][] {
  const { code } = plan.stream;
  return subjectsOf(school, plan).electives.map((subject) =>
    Array.from({ length: electiveGroups(school, plan) }, (_, n) =>
      classPlan(school, {
        key: `${site.code}/${code}/${subject.key}/e${n}`,
        title: `${subject.title} ${code} group ${n + 1}`,
        code: `${subject.code}${n + 1}.${code}`,
        kind: 'scheduled',
        subject,
        plan,
      }),
    ),
  );
}

function teachersOf(school: School, site: SitePlan, classes: readonly ClassPlan[]): TeacherPlan[] {
  const groups = new Map<string, { subject: Subject; count: number }>();
  for (const { subject, kind } of classes) {
    if (kind === 'homeroom') continue;
    const entry = groups.get(subject.key) ?? { subject, count: 0 };
    entry.count += 1;
    groups.set(subject.key, entry);
  }
  const teachers: TeacherPlan[] = [];
  for (const { subject, count } of groups.values()) {
    for (let n = 0; n < Math.ceil(count / 6); n++) {
      const key = `${site.code}/${subject.key}/t${n}`;
      teachers.push({
        key,
        id: uuidFor(`${school.seed}/teacher/${key}`),
        subject,
        number: teachers.length + 1,
        alsoAtNextSite: n === 0 && draw(`${school.seed}/visiting/${key}`, 3) === 0,
      });
    }
  }
  return teachers;
}

function timetableOf(school: School, site: SitePlan, homerooms: readonly Homeroom[]): Timetable {
  const electives = new Map(site.streams.map((plan) => [plan, electiveClasses(school, site, plan)]));
  const classesOf = homerooms.map((homeroom) => ({
    ...homeroomClasses(school, homeroom),
    electives: electives.get(homeroom.plan) ?? [],
  }));
  const talent = talentPlan(school, site);
  const orchestra = orchestraPlan(school, site);
  const classes = [
    ...classesOf.flatMap(({ own, core }) => [own, ...core]),
    ...[...electives.values()].flat(2),
    talent,
    orchestra,
  ];
  return { classes, classesOf, talent, orchestra, teachers: teachersOf(school, site, classes) };
}

/** The context of one site, built from the plan alone. */
function contextOf(school: School, site: SitePlan, index: number): SiteContext {
  const homerooms = homeroomsOf(school, site);
  let made: Timetable | undefined;
  return {
    school,
    site,
    index,
    siteId: siteIdOf(school, site),
    homerooms,
    timetable: () => {
      made ??= timetableOf(school, site, homerooms);
      return made;
    },
  };
}

/** The contexts of all sites, one after the other. */
export function* contextsOf(school: School): Generator<SiteContext> {
  for (const { site, index } of sitesOf(school)) yield contextOf(school, site, index);
}
