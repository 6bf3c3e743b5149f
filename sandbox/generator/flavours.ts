/** What a school of each country teaches and how it divides its students: streams, subjects, names of things. */

import type { Country } from './names.ts';

/** A study track: programme × level × year. */
export type Stream = {
  /** Unique within the school system, e.g. `H4-NT`. */
  code: string;
  /** What people call it, e.g. `havo 4 Nature & Tech`. */
  name: string;
  programme: string;
  level: string;
  /** Year within the programme as the school counts it. */
  year: number;
  /** CEDS grade code. */
  grade: string;
};

export type StreamPlan = { stream: Stream; homerooms: number; seats: number };
export type SitePlan = { code: string; name: string; identifier: string; streams: readonly StreamPlan[] };

/** A thing that is taught. `code` is the school's own, `sced` the course code of the School Courses for the Exchange of Data. */
export type Subject = { key: string; title: string; code: string; sced: string };

const subject = (key: string, title: string, code: string, sced: string): Subject => ({ key, title, code, sced });

export const homeroomSubject = subject('homeroom', 'Homeroom', 'HR', '22106');
export const orchestraSubject = subject('orchestra', 'Orchestra', 'ORC', '05104');

const dutchCore: readonly Subject[] = [
  subject('dutch', 'Dutch', 'netl', '24350'),
  subject('english', 'English', 'entl', '01001'),
  subject('maths', 'Mathematics', 'wi', '02001'),
  subject('history', 'History', 'ges', '04051'),
  subject('pe', 'Physical Education', 'lo', '08001'),
  subject('geography', 'Geography', 'ak', '04001'),
];
const dutchElective: readonly Subject[] = [
  subject('physics', 'Physics', 'nat', '03151'),
  subject('biology', 'Biology', 'biol', '03051'),
  subject('economics', 'Economics', 'econ', '04201'),
  subject('french', 'French', 'fatl', '24101'),
  subject('german', 'German', 'dutl', '24251'),
  subject('art', 'Art & Design', 'kubv', '05154'),
];
const britishCore: readonly Subject[] = [
  subject('english', 'English Language', 'EN', '01001'),
  subject('maths', 'Mathematics', 'MA', '02001'),
  subject('science', 'Combined Science', 'SC', '03201'),
  subject('pe', 'Physical Education', 'PE', '08001'),
  subject('re', 'Religious Studies', 'RS', '04305'),
];
const britishElective: readonly Subject[] = [
  subject('history', 'History', 'HI', '04051'),
  subject('geography', 'Geography', 'GG', '04001'),
  subject('french', 'French', 'FR', '24101'),
  subject('computing', 'Computing', 'CO', '10011'),
  subject('drama', 'Drama', 'DR', '05051'),
];
const americanCore: readonly Subject[] = [
  subject('ela', 'English Language Arts', 'ELA', '01001'),
  subject('algebra', 'Algebra', 'ALG', '02052'),
  subject('biology', 'Biology', 'BIO', '03051'),
  subject('ushistory', 'U.S. History', 'USH', '04101'),
  subject('pe', 'Health & PE', 'HPE', '08051'),
];
const americanElective: readonly Subject[] = [
  subject('spanish', 'Spanish', 'SPA', '24052'),
  subject('band', 'Band', 'BND', '05101'),
  subject('cs', 'Computer Science', 'CS', '10012'),
  subject('ceramics', 'Ceramics', 'CER', '05159'),
];

/** The subjects that every student of a homeroom follows together, and those that students choose from. */
export const curriculum: Record<Country, { core: readonly Subject[]; electives: readonly Subject[] }> = {
  NL: { core: dutchCore, electives: dutchElective },
  GB: { core: britishCore, electives: britishElective },
  US: { core: americanCore, electives: americanElective },
};

const grade = (n: number): string => String(n).padStart(2, '0');

function nl(programme: string, short: string, year: number, profile?: { name: string; short: string }): Stream {
  return {
    code: `${short}${year}${profile === undefined ? '' : `-${profile.short}`}`,
    name: `${programme} ${year}${profile === undefined ? '' : ` ${profile.name}`}`,
    programme,
    level: profile?.name ?? '',
    year,
    grade: grade(6 + year),
  };
}

function gb(year: number, set: number): Stream {
  const programme = year >= 12 ? 'A level' : year >= 10 ? 'GCSE' : 'Key Stage 3';
  return {
    code: `Y${year}S${set}`,
    name: `Year ${year} set ${set}`,
    programme,
    level: `set ${set}`,
    year,
    grade: grade(year - 1),
  };
}

function us(year: number, level: 'Regular' | 'Honors' | 'AP'): Stream {
  return {
    code: `G${year}-${level.slice(0, 3).toUpperCase()}`,
    name: `Grade ${year}${level === 'Regular' ? '' : ` ${level}`}`,
    programme: year >= 9 ? 'High School' : 'Middle School',
    level,
    year,
    grade: grade(year),
  };
}

const natureTech = { name: 'Nature & Tech', short: 'NT' };
const economySociety = { name: 'Economy & Society', short: 'ES' };
const technology = { name: 'Technology', short: 'TE' };
const care = { name: 'Care & Welfare', short: 'CW' };

const of = (stream: Stream, homerooms: number, seats: number): StreamPlan => ({ stream, homerooms, seats });

/** Lindenhof's three sites: about 900 students in 39 homerooms. */
export const lindenhofSites: readonly SitePlan[] = [
  {
    code: 'LHC',
    name: 'Lindenhof College',
    identifier: '99LH00',
    streams: [
      of(nl('havo/vwo', 'HV', 1), 2, 26),
      of(nl('havo', 'H', 2), 2, 25),
      of(nl('havo', 'H', 3), 2, 24),
      of(nl('havo', 'H', 4, natureTech), 1, 22),
      of(nl('havo', 'H', 4, economySociety), 1, 25),
      of(nl('havo', 'H', 5, natureTech), 1, 20),
      of(nl('havo', 'H', 5, economySociety), 1, 23),
      of(nl('vwo', 'V', 2), 1, 26),
      of(nl('vwo', 'V', 3), 1, 25),
      of(nl('vwo', 'V', 4, natureTech), 1, 21),
      of(nl('vwo', 'V', 4, economySociety), 1, 22),
      of(nl('vwo', 'V', 5, natureTech), 1, 20),
      of(nl('vwo', 'V', 5, economySociety), 1, 19),
      of(nl('vwo', 'V', 6, natureTech), 1, 18),
    ],
  },
  {
    code: 'LHV',
    name: 'Lindenhof Vakcollege',
    identifier: '99LH01',
    streams: [
      of(nl('vmbo-bk', 'BK', 1), 2, 19),
      of(nl('vmbo-bk', 'BK', 2), 2, 19),
      of(nl('vmbo-bk', 'BK', 3, technology), 1, 18),
      of(nl('vmbo-bk', 'BK', 3, care), 1, 20),
      of(nl('vmbo-bk', 'BK', 4, technology), 1, 17),
      of(nl('vmbo-bk', 'BK', 4, care), 1, 19),
      of(nl('vmbo-t', 'T', 1), 1, 26),
      of(nl('vmbo-t', 'T', 2), 1, 25),
      of(nl('vmbo-t', 'T', 3), 1, 26),
      of(nl('vmbo-t', 'T', 4), 1, 24),
    ],
  },
  {
    code: 'LHL',
    name: "Lindenhof Lyceum 't Sticht",
    identifier: '99LH02',
    streams: [
      of(nl('gymnasium', 'G', 1), 2, 25),
      of(nl('gymnasium', 'G', 2), 1, 26),
      of(nl('gymnasium', 'G', 3), 1, 24),
      of(nl('gymnasium', 'G', 4), 1, 22),
      of(nl('gymnasium', 'G', 5), 1, 21),
      of(nl('gymnasium', 'G', 6), 1, 17),
      of(nl('atheneum', 'A', 4, natureTech), 1, 24),
      of(nl('atheneum', 'A', 5, natureTech), 1, 22),
      of(nl('atheneum', 'A', 6, natureTech), 1, 20),
    ],
  },
];

/** Brackenfield: an English trust of two academies, streamed by sets. */
export const brackenfieldSites: readonly SitePlan[] = [
  {
    code: 'BFA',
    name: 'Brackenfield Academy',
    identifier: '990101',
    streams: [7, 8, 9, 10, 11].flatMap((year) => [of(gb(year, 1), 1, 26), of(gb(year, 2), 1, 24)]),
  },
  {
    code: 'BFS',
    name: "St Aldhelm's Sixth Form",
    identifier: '990102',
    streams: [12, 13].flatMap((year) => [of(gb(year, 1), 1, 22), of(gb(year, 2), 1, 20)]),
  },
];

/** Cedar Valley: an American district of a middle and a high school. */
export const cedarValleySites: readonly SitePlan[] = [
  {
    code: 'CVM',
    name: 'Cedar Valley Middle School',
    identifier: '990000100011',
    streams: [6, 7, 8].flatMap((year) => [of(us(year, 'Regular'), 2, 24)]),
  },
  {
    code: 'CVH',
    name: 'Cedar Valley High School',
    identifier: '990000100012',
    streams: [9, 10, 11, 12]
      .flatMap((year) => [of(us(year, 'Regular'), 1, 27), of(us(year, 'Honors'), 1, 22)])
      .concat(of(us(12, 'AP'), 1, 16)),
  },
];

/** Waterkant: a small Dutch school on one site. */
export const waterkantSites: readonly SitePlan[] = [
  {
    code: 'WKC',
    name: 'Waterkant College',
    identifier: '99WK00',
    streams: [1, 2, 3, 4].flatMap((year) => [of(nl('mavo', 'M', year), 1, 23), of(nl('havo', 'H', year), 1, 24)]),
  },
];
