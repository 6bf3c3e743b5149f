// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f]+/g;

/**
 * A name as Moodle takes it: it refuses what `strip_tags` would change, and the whole batch with it, so a `<` that could open a tag becomes a
 * sign that looks like it; too long a one would end in an error of its database.
 */
export function nameFor(text: string, longest: number): string {
  const plain = text
    .toWellFormed()
    .replaceAll(control, ' ')
    .replaceAll(/<(?=\S)/g, '‹')
    .trim();
  return plain.slice(0, longest).toWellFormed().trim();
}

export const longest = { course: 250, courseCode: 100, group: 250, cohort: 250, category: 250, person: 100 } as const;

/** What Moodle leaves of a username unless the site allows more; looking for another shape is refused with all others. */
export const isUsername = (text: string): boolean => /^[a-z0-9_.@-]{1,100}$/.test(text);
export const isAddress = (text: string): boolean => /^[^\s@<>()[\],;:\\"]{1,64}@[^\s@<>()[\],;:\\"]{1,190}$/.test(text);

/** A day as Moodle's seconds: noon in London, which is the same day in nearly every place. Zero is none. */
export const secondsOf = (day: string | null): number => (day === null ? 0 : Date.parse(`${day}T12:00:00Z`) / 1000);
/** The last day of a time that ends before `day`. */
export const secondsBefore = (day: string | null): number => (day === null ? 0 : secondsOf(day) - 86_400);
