import type { PackagePush } from '#server/connectors/push-contract.ts';
import { adopt } from './adopt.ts';
import type { CanvasSession } from './client.ts';
import { readExisting } from './existing.ts';
import { detectForeignImport, findPackage, followPackage, problemsOfPackage, submitPackage } from './sis-import.ts';

const pages = { by: 'pages', most: 1 } as const;
/** Each is a call of its own, or several. */
const within = { by: 'within', most: 20 } as const;
const adoptions = 20;

/** A roster into Canvas: SIS imports of everything, one zip of CSVs each; see `sis-import.ts` for what keeps them safe. */
export const push = {
  manner: 'package',
  holds: 'everything',
  entities: ['term', 'category', 'course', 'section', 'cohort', 'user', 'enrolment', 'membership'],
  carries: [
    { entity: 'course', field: 'state', how: 'partly', note: 'canvas.carries.course-state' },
    { entity: 'cohort', field: null, how: 'partly', note: 'canvas.carries.cohort' },
    { entity: 'user', field: 'email', how: 'partly', note: 'canvas.carries.user-email' },
    { entity: 'user', field: 'signIn', how: 'partly', note: 'canvas.carries.user-sign-in' },
    { entity: 'enrolment', field: 'dates', how: 'not', note: 'canvas.carries.enrolment-dates' },
  ],
  signIn: [
    { id: 'school', label: 'canvas.sign-in.school', needs: 'username' },
    { id: 'email', label: 'canvas.sign-in.email', needs: 'email' },
    { id: 'canvas', label: 'canvas.sign-in.canvas', needs: 'email' },
  ],
  keyLength: 255,
  codesAreUnique: false,
  reading: {
    term: pages,
    category: pages,
    course: pages,
    section: within,
    cohort: pages,
    user: pages,
    enrolment: within,
    membership: within,
  },
  batch: {
    term: adoptions,
    category: adoptions,
    course: adoptions,
    section: adoptions,
    cohort: adoptions,
    user: adoptions,
    enrolment: adoptions,
    membership: adoptions,
  },
  readExisting,
  detectForeignImport,
  deliver: adopt,
  find: findPackage,
  submit: submitPackage,
  follow: followPackage,
  problems: problemsOfPackage,
} as const satisfies PackagePush<CanvasSession>;
