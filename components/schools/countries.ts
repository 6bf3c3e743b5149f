/** Codes that ISO reserves for what is no country, or that have none. */
const noCountry = new Set(['EU', 'EZ', 'UN', 'QO', 'XA', 'XB', 'ZZ']);

const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** Every country with its name in a language, by name. */
function countries(locale: string): { code: string; name: string }[] {
  const names = new Intl.DisplayNames(locale, { type: 'region', fallback: 'none' });
  return letters
    .flatMap((first) => letters.map((second) => `${first}${second}`))
    .flatMap((code) => {
      const name = noCountry.has(code) ? undefined : names.of(code);
      return name === undefined ? [] : [{ code, name }];
    })
    .toSorted((a, b) => a.name.localeCompare(b.name, locale));
}

/** What forms offer to choose from. Made on the server: a browser's own lists differ in a name or two. */
export interface PlaceChoices {
  readonly countries: readonly { readonly code: string; readonly name: string }[];
  readonly timeZones: readonly string[];
}

export function placeChoices(locale: string): PlaceChoices {
  return { countries: countries(locale), timeZones: Intl.supportedValuesOf('timeZone') };
}

/** Where most schools of a country are: what a form proposes. */
export const usualTimeZone: Readonly<Record<string, string>> = {
  AT: 'Europe/Vienna',
  BE: 'Europe/Brussels',
  CH: 'Europe/Zurich',
  DE: 'Europe/Berlin',
  DK: 'Europe/Copenhagen',
  ES: 'Europe/Madrid',
  FI: 'Europe/Helsinki',
  FR: 'Europe/Paris',
  GB: 'Europe/London',
  IE: 'Europe/Dublin',
  IT: 'Europe/Rome',
  LU: 'Europe/Luxembourg',
  NL: 'Europe/Amsterdam',
  NO: 'Europe/Oslo',
  PL: 'Europe/Warsaw',
  PT: 'Europe/Lisbon',
  SE: 'Europe/Stockholm',
};

/** The register that numbers a country's schools: what a form proposes. */
export const usualRegister: Readonly<Record<string, 'NCES' | 'URN' | 'BRIN' | 'Schulnummer' | 'UAI'>> = {
  US: 'NCES',
  GB: 'URN',
  NL: 'BRIN',
  DE: 'Schulnummer',
  FR: 'UAI',
};
