CREATE TABLE "provider_allowance" (
	"consumer_client_id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"window_start" timestamp (3) with time zone NOT NULL,
	"calls" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_request" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"grant_id" uuid NOT NULL,
	"consumer_client_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"parameters" text[] DEFAULT '{}' NOT NULL,
	"status" integer NOT NULL,
	"records" integer NOT NULL,
	"bytes" integer NOT NULL,
	"ms" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "provider_tombstone" (
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"record_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "provider_tombstone_connection_id_collection_record_id_pk" PRIMARY KEY("connection_id","collection","record_id")
);
--> statement-breakpoint
CREATE TABLE "roster_touch" (
	"seq" bigint GENERATED ALWAYS AS IDENTITY (sequence name "roster_touch_seq_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"school_id" uuid NOT NULL,
	"transaction" bigint NOT NULL,
	"at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "roster_touch_school_id_transaction_pk" PRIMARY KEY("school_id","transaction")
);
--> statement-breakpoint
ALTER TABLE "lms_course" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_demographics" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_enrolment" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_group" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_person" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_person" ADD COLUMN "email_folded" text GENERATED ALWAYS AS (lower(email)) STORED;--> statement-breakpoint
ALTER TABLE "roster_person" ADD COLUMN "username_folded" text GENERATED ALWAYS AS (lower(username)) STORED;--> statement-breakpoint
ALTER TABLE "roster_site" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_stream" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_subject" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "roster_term" ADD COLUMN "changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE INDEX "provider_request_connection" ON "provider_request" USING btree ("school_id","connection_id","id");--> statement-breakpoint
CREATE INDEX "roster_person_email" ON "roster_person" USING btree ("system_id","email_folded") WHERE email_folded is not null;--> statement-breakpoint
CREATE INDEX "roster_person_username" ON "roster_person" USING btree ("system_id","username_folded") WHERE username_folded is not null;--> statement-breakpoint
CREATE INDEX "roster_person_changed" ON "roster_person" USING btree ("system_id","changed_at");--> statement-breakpoint
-- How often somebody called is worth nothing after a crash.
alter table provider_allowance set unlogged;
--> statement-breakpoint
select across.protect_tenant(t) from unnest(array['provider_allowance', 'provider_request', 'provider_tombstone', 'roster_touch']) as name,
  lateral (select quote_ident(name)::regclass as t) as r;
--> statement-breakpoint
grant select, insert, update on provider_allowance to crosswalk_web;
grant select, insert on provider_request to crosswalk_web;
grant select, insert, update on provider_tombstone to crosswalk_web;
grant select, insert on roster_touch to crosswalk_web, crosswalk_sync;
grant select, delete on provider_allowance, provider_request, provider_tombstone to crosswalk_sync;
grant delete on roster_touch to crosswalk_sync;
--> statement-breakpoint
-- Whatever writes into a school's roster leaves its transaction here: what a consumer holds of before is then no longer the newest. No two
-- transactions write the same row, so none waits for another.
create function across.touch_roster() returns trigger language plpgsql set search_path = '' as $$
declare school uuid := nullif(current_setting('app.school', true), '')::uuid;
begin
  if school is not null then
    insert into public.roster_touch (school_id, transaction) values (school, pg_current_xact_id()::text::bigint)
    on conflict (school_id, transaction) do nothing;
  end if;
  return null;
end $$;
--> statement-breakpoint
grant execute on function across.touch_roster to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
do $$
declare target text;
begin
  foreach target in array array['roster_site', 'roster_term', 'roster_subject', 'roster_stream', 'roster_group', 'roster_person', 'roster_person_alias',
                                'roster_enrolment', 'roster_demographics', 'withheld_person', 'provider_tombstone', 'site'] loop
    execute format('create trigger touch_roster after insert or update or delete on %I for each statement execute function across.touch_roster()', target);
  end loop;
end $$;
--> statement-breakpoint
-- Schools in which something of the provider is older than it is kept. Ids of schools only.
create function across.schools_with_old_provider_rows(p_requests timestamptz, p_tombstones timestamptz) returns table (school_id uuid)
language sql stable security definer set search_path = '' as $$
  select s.id from public.school s
   where exists (select 1 from public.provider_request r where r.school_id = s.id and r.at < p_requests)
      or exists (select 1 from public.provider_tombstone t where t.school_id = s.id and t.at < p_tombstones)
      or exists (select 1 from public.roster_touch t where t.school_id = s.id and t.at < p_tombstones)
   order by s.id
$$;
--> statement-breakpoint
grant execute on function across.schools_with_old_provider_rows to crosswalk_sync;
