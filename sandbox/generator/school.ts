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
import { at, draw, uuidFor } from './prng.ts';

/** `demo` is a school group of about 900 students, `district` about 50,000, `metropolis` about 1.1 million. */
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
  sites: readonly SitePlan[];
};

type Written = Omit<School, 'schoolYear' | 'seed' | 'size'>;

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

export type SchoolOptions = { slug: string; seed?: string; schoolYear?: number; size?: Size; name?: string };

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
  return { ...base, name: options.name ?? base.name, seed: `${slug}/${seed}`, schoolYear, size };
}

const scale: Record<Exclude<Size, 'demo'>, { sites: number; homeroomFactor: number }> = {
  district: { sites: 50, homeroomFactor: 3.3 },
  metropolis: { sites: 1080, homeroomFactor: 3.3 },
};

/** The plan of the site at an index, or undefined past the last one. Random access, so that nothing has to be held. */
export function siteAt(school: School, index: number): SitePlan | undefined {
  if (school.size === 'demo') return school.sites[index];
  const { sites, homeroomFactor } = scale[school.size];
  if (index >= sites) return undefined;
  const template = at(school.sites, index % school.sites.length);
  const number = String(index + 1).padStart(4, '0');
  return {
    code: `${template.code}${number}`,
    name: `${at(places, draw(`${school.seed}/place/${index}`, places.length))} ${template.name.split(' ').slice(1).join(' ')} ${index + 1}`,
    identifier: `${school.registerNumber}${number}`,
    streams: template.streams.map((plan) => ({ ...plan, homerooms: Math.round(plan.homerooms * homeroomFactor) })),
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
  title: string;
  code: string;
  kind: 'homeroom' | 'scheduled';
  subject: Subject;
  plan: StreamPlan | null;
};

export type TeacherPlan = { key: string; id: string; subject: Subject; number: number; alsoAtNextSite: boolean };

/** Everything about one site that its records refer to; the only thing the generators hold, and only one at a time. */
export type SiteContext = {
  school: School;
  site: SitePlan;
  index: number;
  siteId: string;
  homerooms: readonly Homeroom[];
  classes: readonly ClassPlan[];
  teachers: readonly TeacherPlan[];
};

const letter = (n: number): string => (n < 26 ? String.fromCharCode(97 + n) : `${n + 1}`);

export const siteIdOf = (school: School, site: SitePlan): string => uuidFor(`${school.seed}/org/${site.code}`);
export const classIdOf = (school: School, key: string): string => uuidFor(`${school.seed}/class/${key}`);

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
export const electiveGroups = (plan: StreamPlan): number => Math.max(1, Math.ceil(plan.homerooms * 0.75));

export const coreKey = (homeroom: Homeroom, subject: Subject): string => `${homeroom.key}/${subject.key}`;
export const electiveKey = (site: SitePlan, plan: StreamPlan, subject: Subject, n: number): string =>
  `${site.code}/${plan.stream.code}/${subject.key}/e${n}`;
export const talentKey = (site: SitePlan): string => `${site.code}/talent`;
export const orchestraKey = (site: SitePlan): string => `${site.code}/orchestra`;

function* planClasses(school: School, site: SitePlan, homerooms: readonly Homeroom[]): Generator<ClassPlan> {
  for (const homeroom of homerooms) {
    const { key, title, plan } = homeroom;
    yield { key, title, code: title, kind: 'homeroom', subject: homeroomSubject, plan };
    for (const subject of subjectsOf(school, plan).core) {
      yield {
        key: coreKey(homeroom, subject),
        title: `${subject.title} ${title}`,
        code: `${subject.code}.${title}`,
        kind: 'scheduled',
        subject,
        plan,
      };
    }
  }
  for (const plan of site.streams) {
    for (const subject of subjectsOf(school, plan).electives) {
      for (let n = 0; n < electiveGroups(plan); n++) {
        yield {
          key: electiveKey(site, plan, subject, n),
          title: `${subject.title} ${plan.stream.code} group ${n + 1}`,
          code: `${subject.code}${n + 1}.${plan.stream.code}`,
          kind: 'scheduled',
          subject,
          plan,
        };
      }
    }
  }
  yield {
    key: talentKey(site),
    title: `Talent & Bilingual ${site.code}`,
    code: `TAL.${site.code}`,
    kind: 'homeroom',
    subject: homeroomSubject,
    plan: null,
  };
  yield {
    key: orchestraKey(site),
    title: `Orchestra “Da capo” ${site.code}`,
    code: `ORC.${site.code}`,
    kind: 'scheduled',
    subject: orchestraSubject,
    plan: null,
  };
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

/** The context of one site, built from the plan alone. */
export function contextOf(school: School, site: SitePlan, index: number): SiteContext {
  const homerooms = homeroomsOf(school, site);
  const classes = [...planClasses(school, site, homerooms)];
  return {
    school,
    site,
    index,
    siteId: siteIdOf(school, site),
    homerooms,
    classes,
    teachers: teachersOf(school, site, classes),
  };
}

/** The contexts of all sites, one after the other. */
export function* contextsOf(school: School): Generator<SiteContext> {
  for (const { site, index } of sitesOf(school)) yield contextOf(school, site, index);
}
