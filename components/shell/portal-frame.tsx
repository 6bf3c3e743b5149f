import 'server-only';
import { forbidden, redirect } from 'next/navigation';
import { getTranslations } from 'next-intl/server';
import type { ReactNode } from 'react';
import { pageCaller } from '#components/trpc/server.tsx';
import type { OrganisationKind, Role } from '#db/schema/vocabulary.ts';
import { AppShell } from './app-shell.tsx';
import type { NavItem, Place } from './places.ts';

/** Where each kind of organisation has its portal. */
export function portalOf(organisation: { kind: OrganisationKind; organisationId: string }): string {
  switch (organisation.kind) {
    case 'operator':
      return '/operator';
    case 'agent':
      return `/agent/${organisation.organisationId}`;
    case 'school':
      return `/school/${organisation.organisationId}`;
    case 'vendor':
      return `/vendor/${organisation.organisationId}`;
  }
}

/** The signed-in person's own places, or the page that he must see first. */
export async function signedInPerson(next?: string) {
  const me = await (await pageCaller()).people.whoAmI({});
  const back = next === undefined ? '' : `?next=${encodeURIComponent(next)}`;
  if (me === null) redirect(`/sign-in${back}`);
  if (me.account === null)
    redirect(
      me.waitsFor === 'second-factor' ? `/sign-in/second-factor${back}` : `/sign-in/second-factor/set-up${back}`,
    );
  return { name: me.name, email: me.email, organisations: me.account.organisations };
}

interface PortalFrameProps {
  readonly kind: OrganisationKind;
  /** Null for the operator, who is one. */
  readonly organisationId: string | null;
  /** Tabs for the roles that this person holds here. */
  readonly nav: (roles: readonly Role[], base: string) => Promise<readonly NavItem[]>;
  readonly children: ReactNode;
}

/** The frame of a portal. It only decides what is drawn: every procedure behind the pages checks for itself. */
export async function PortalFrame({ kind, organisationId, nav, children }: PortalFrameProps) {
  const person = await signedInPerson();
  const t = await getTranslations('places');
  const here = person.organisations.find(
    (organisation) =>
      organisation.kind === kind && (organisationId === null || organisation.organisationId === organisationId),
  );
  if (here === undefined) forbidden();
  const place = (organisation: typeof here): Place => ({
    href: portalOf(organisation),
    label: organisation.name,
    kind: t(organisation.kind),
  });
  const roles = here.roles.map(({ role }) => role);
  return (
    <AppShell
      person={{ name: person.name, email: person.email }}
      here={place(here)}
      places={person.organisations.map(place)}
      nav={await nav(roles, portalOf(here))}
    >
      {children}
    </AppShell>
  );
}
