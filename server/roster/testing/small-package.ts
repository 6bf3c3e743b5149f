import { zipSync } from 'fflate';
import { csvFiles } from '#sandbox/generator/csv-package.ts';
import { schoolOf } from '#sandbox/generator/school.ts';
import { loadSchool } from '#sandbox/sis/data.ts';
import { shrinkSchool } from './small-school.ts';

/** Members of a package by name: a header and lines, each ended. */
export type SmallPackage = Readonly<Record<string, readonly string[]>>;

const firstCell = (line: string) => /^"?([^",\r\n]*)/.exec(line)?.[1] ?? '';

/** A OneRoster CSV bulk package of a few students of the demo's first school, in memory, so that it can be broken anywhere. */
export function smallPackage(version: '1.1' | '1.2', students: number): SmallPackage {
  const school = schoolOf({ slug: 'lindenhof', seed: '1', schoolYear: 2026 });
  const data = loadSchool(school);
  shrinkSchool(data, students);
  const kept = new Set(
    [data.orgs, data.academicSessions, data.courses, data.classes, data.users, data.enrollments].flatMap((map) => [
      ...map.keys(),
    ]),
  );
  return Object.fromEntries(
    csvFiles({ school, version }).flatMap(({ name, header, rows }) => {
      const owner = header.indexOf('userSourcedId');
      const lines = [...rows()].filter((line) =>
        kept.has(name === 'roles' ? (line.split(',')[owner] ?? '') : firstCell(line)),
      );
      return lines.length === 0 ? [] : [[`${name}.csv`, [`${header.join(',')}\r\n`, ...lines]]];
    }),
  );
}

/** The manifest that lists these members as bulk files, and whatever else is named as absent. */
export function manifestOf(version: '1.1' | '1.2', members: Iterable<string>): string {
  const listed = [...members].map((name) => `file.${name.replace('.csv', '')},bulk\r\n`).join('');
  return `propertyName,value\r\nmanifest.version,1.0\r\noneroster.version,${version}\r\n${listed}source.systemName,Registra\r\nsource.systemCode,1\r\n`;
}

/** The bytes of a zip of these texts. */
export const zipOf = (members: Readonly<Record<string, string | Uint8Array>>): Uint8Array =>
  zipSync(
    Object.fromEntries(
      Object.entries(members).map(([name, content]) => [
        name,
        typeof content === 'string' ? Buffer.from(content, 'utf8') : content,
      ]),
    ),
    { level: 1 },
  );
