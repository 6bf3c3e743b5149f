-- By hand: how names are folded for searching. ASCII alone is the usual case and cheap; else letters lose their marks.
create function public.folded(p text) returns text language sql immutable parallel safe as $$
  select lower((case when octet_length(p) = length(p) then p
    else translate(regexp_replace(normalize(p, nfd), '[\u0300-\u036f]', '', 'g'), 'øØłŁđĐıþÞðÐ', 'oOlLdDitTdD') end) collate pg_catalog."pg_c_utf8")
$$;
--> statement-breakpoint
-- "de Vries" is looked for under V, whether or not its particle is typed.
create function public.without_particles(p text) returns text language sql immutable parallel safe as $$
  select regexp_replace(p, '^(?:(?:van|de|der|den|het|''t|ten|ter|te|op|in|von|zu|zur|da|do|dos|du|di|del|della|le|la|af|av) )+(?=\S)', '')
$$;
--> statement-breakpoint
create function public.searchable_name(family text, given text, middle text, preferred_family text, preferred_given text, number text) returns text
language sql immutable parallel safe as $$
  select public.without_particles(ltrim(public.folded(coalesce(family, '') || ' ' || coalesce(given, '') || ' ' || coalesce(middle, '') || ' '
    || coalesce(preferred_family, '') || ' ' || coalesce(preferred_given, '') || ' ' || coalesce(number, ''))))
$$;
--> statement-breakpoint
grant execute on function public.folded, public.without_particles, public.searchable_name to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
DROP INDEX "roster_person_name";--> statement-breakpoint
DROP INDEX "held_change_run";--> statement-breakpoint
ALTER TABLE "roster_person" ADD COLUMN "search_name" text collate "C" GENERATED ALWAYS AS (public.searchable_name(family_name, given_name, middle_name, preferred_family_name, preferred_given_name, identifier)) STORED;--> statement-breakpoint
CREATE INDEX "roster_person_search" ON "roster_person" USING btree ("school_id","kind","search_name","id");--> statement-breakpoint
CREATE INDEX "held_change_run" ON "held_change" USING btree ("school_id","sync_run_id","collection","id");