-- Enrolments are most of a roster's rows, and an index over ids that come in no order cost more than all else that is done to one. Uniqueness is
-- the engine's to keep; the index by group begins with the school, so that it also finds all that a school has.
-- Hashes are eight bytes, and 0 is what is not known: the next run compares field by field.
ALTER TABLE "roster_enrolment" DROP CONSTRAINT "roster_enrolment_source";--> statement-breakpoint
DROP INDEX "roster_enrolment_group";--> statement-breakpoint
DROP INDEX "roster_person_changed";--> statement-breakpoint
ALTER TABLE "lms_course" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_demographics" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_enrolment" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_group" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_person" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_site" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_stream" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_subject" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
ALTER TABLE "roster_term" ALTER COLUMN "content_hash" SET DATA TYPE bigint USING 0;--> statement-breakpoint
CREATE INDEX "roster_enrolment_group" ON "roster_enrolment" USING btree ("school_id","group_id");--> statement-breakpoint
CREATE INDEX "roster_person_changed" ON "roster_person" USING btree ("system_id","changed_at","id");--> statement-breakpoint
-- What is staged was hashed otherwise: a run that waits is fetched again.
do $$
declare
  name text;
begin
  for name in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'staging' and c.relkind = 'r' and c.relname <> 'page' and c.relname not like 'push\_%' loop
    execute format('drop table staging.%I', name);
  end loop;
  delete from staging.page;
end $$;
--> statement-breakpoint
-- Opens the tables of one run: one for each staged collection with the columns named, all of text, and the hash of those that count. Of the
-- transaction's own school alone. p_tables: {"people": {"columns": ["enabled", …], "hashed": ["enabled", …]}, …}
create or replace function across.open_staging(p_run uuid, p_tables jsonb) returns void language plpgsql security definer set search_path = '' as $$
declare
  suffix text := replace(p_run::text, '-', '');
  spec record;
  cell text;
  hash text;
begin
  if not exists (select 1 from public.sync_run where id = p_run and school_id = nullif(current_setting('app.school', true), '')::uuid) then
    raise exception 'no such run' using errcode = 'no_data_found';
  end if;
  for spec in select key, value from jsonb_each(p_tables) loop
    -- Each cell is hashed with the hash of those before it as its seed: no text is put together for it.
    hash := '0';
    for cell in select c from jsonb_array_elements_text(spec.value -> 'hashed') with ordinality as h(c, n) order by n loop
      hash := format('hashtextextended(coalesce(%I, ''''), %s)', cell, hash);
    end loop;
    execute format('create unlogged table staging.%I (line bigint, source_id text, status text, modified text, %s, '
      || 'hash bigint generated always as (%s) stored) with (autovacuum_enabled = false)', spec.key || '_' || suffix,
      (select string_agg(format('%I text', c), ', ' order by n) from jsonb_array_elements_text(spec.value -> 'columns') with ordinality as h(c, n)), hash);
    execute format('grant select, insert, update, delete, truncate, maintain on staging.%I to crosswalk_sync', spec.key || '_' || suffix);
  end loop;
  execute format('create unlogged table staging.%I (collection text not null, source_id text, file text, line bigint, field text, reason text not null) '
    || 'with (autovacuum_enabled = false)', 'aside_' || suffix);
  execute format('create unlogged table staging.%I (collection text not null, kind text not null, source_id text not null, id uuid, fields text[], before jsonb, '
    || 'after jsonb) with (autovacuum_enabled = false)', 'plan_' || suffix);
  execute format('grant select, insert, update, delete, truncate, maintain on staging.%I, staging.%I to crosswalk_sync',
    'aside_' || suffix, 'plan_' || suffix);
end $$;
--> statement-breakpoint
-- By hand: the functions that are called for every row, with the usual case first and without a regular expression.
create or replace function staging.day(p text) returns date language sql stable parallel safe as $$
  select case when p like '____-__-__' and p collate "C" between '1000' and '9999-99-99' and pg_input_is_valid(p, 'date') then p::date
              when p ~ '^\d{4}-\d{2}-\d{2}(T|$)' and pg_input_is_valid(left(p, 10), 'date') then left(p, 10)::date end
$$;
--> statement-breakpoint
-- In PL/pgSQL: a function in SQL whose argument is used twice is not put into the statement, and to start one for every row takes longer than what it does.
create or replace function public.searchable_name(family text, given text, middle text, preferred_family text, preferred_given text, number text) returns text
language plpgsql immutable parallel safe as $$
declare
  told text := coalesce(family, '') || ' ' || coalesce(given, '') || ' ' || coalesce(middle, '') || ' '
    || coalesce(preferred_family, '') || ' ' || coalesce(preferred_given, '') || ' ' || coalesce(number, '');
begin
  if octet_length(told) = length(told) then told := ltrim(lower(told collate pg_catalog."C"));
  else told := ltrim(public.folded(told));
  end if;
  if split_part(told, ' ', 1) in ('van', 'de', 'der', 'den', 'het', '''t', 'ten', 'ter', 'te', 'op', 'in', 'von', 'zu', 'zur', 'da', 'do', 'dos', 'du', 'di', 'del', 'della', 'le',
                                  'la', 'af', 'av') then
    return public.without_particles(told);
  end if;
  return told;
end $$;
