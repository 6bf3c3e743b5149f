CREATE TABLE "push_choice" (
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"entity" text NOT NULL,
	"key" text NOT NULL,
	"answer" text NOT NULL,
	"foreign_id" text,
	"chosen_by" uuid NOT NULL,
	"chosen_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "push_choice_connection_id_entity_key_pk" PRIMARY KEY("connection_id","entity","key")
);
--> statement-breakpoint
CREATE TABLE "push_ledger" (
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"entity" text NOT NULL,
	"key" text NOT NULL,
	"record_id" uuid,
	"foreign_id" text,
	"origin" text NOT NULL,
	"suspended" boolean DEFAULT false NOT NULL,
	"content_hash" uuid,
	"name_hash" uuid,
	"user_key" text,
	"course_key" text,
	"parent_key" text,
	"role" text,
	"ends_on" date,
	"sent_at" timestamp (3) with time zone,
	"written_at" timestamp (3) with time zone,
	"gone_at" timestamp (3) with time zone,
	CONSTRAINT "push_ledger_system_id_entity_key_pk" PRIMARY KEY("system_id","entity","key"),
	CONSTRAINT "push_ledger_origin" CHECK ("push_ledger"."origin" in ('made', 'adopted', 'found'))
);
--> statement-breakpoint
CREATE TABLE "push_row" (
	"school_id" uuid NOT NULL,
	"push_run_id" uuid NOT NULL,
	"entity" text NOT NULL,
	"key" text NOT NULL,
	"record_id" uuid,
	"action" text NOT NULL,
	"reason" text,
	"state" text NOT NULL,
	"foreign_id" text,
	"keeps_name" boolean DEFAULT false NOT NULL,
	"problem" text,
	"problem_details" jsonb,
	CONSTRAINT "push_row_push_run_id_entity_key_pk" PRIMARY KEY("push_run_id","entity","key"),
	CONSTRAINT "push_row_action_word" CHECK ("push_row"."action" in ('create', 'update', 'adopt', 'suspend', 'restore', 'remove', 'propose', 'ask', 'wait', 'leave', 'set-aside')),
	CONSTRAINT "push_row_state" CHECK ("push_row"."state" in ('planned', 'sent', 'done', 'failed', 'unknown'))
);
--> statement-breakpoint
CREATE TABLE "push_run" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"producer_system_id" uuid NOT NULL,
	"trigger" text NOT NULL,
	"state" text NOT NULL,
	"phase" text,
	"ending" text,
	"requested_by" uuid,
	"lease_until" timestamp (3) with time zone,
	"fence" integer DEFAULT 0 NOT NULL,
	"counts" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"progress" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"held" jsonb,
	"approved_by" uuid,
	"approved_at" timestamp (3) with time zone,
	"package_since" timestamp (3) with time zone,
	"package_ticket" text,
	"error_code" text,
	"error_details" jsonb,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "push_run_state" CHECK ("push_run"."state" in ('queued', 'running', 'succeeded', 'failed', 'held', 'discarded')),
	CONSTRAINT "push_run_phase" CHECK ("push_run"."phase" in ('read', 'plan', 'deliver', 'follow', 'read-back')),
	CONSTRAINT "push_run_trigger" CHECK ("push_run"."trigger" in ('first', 'sync', 'hand', 'ending')),
	CONSTRAINT "push_run_ending" CHECK ("push_run"."ending" in ('leave', 'suspend', 'remove'))
);
--> statement-breakpoint
CREATE TABLE "push_settings" (
	"connection_id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"courses" text NOT NULL,
	"sign_in" text NOT NULL,
	"username_pattern" text,
	"email_host" text,
	"leavers" text NOT NULL,
	"guard_leaving" real DEFAULT 0.1 NOT NULL,
	"guard_changed" real DEFAULT 0.75 NOT NULL,
	"hold_next" boolean DEFAULT true NOT NULL,
	"updated_by" uuid,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "push_settings_courses" CHECK ("push_settings"."courses" in ('group', 'subject')),
	CONSTRAINT "push_settings_leavers" CHECK ("push_settings"."leavers" in ('suspend', 'leave'))
);
--> statement-breakpoint
ALTER TABLE "push_choice" ADD CONSTRAINT "push_choice_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "push_row" ADD CONSTRAINT "push_row_push_run_id_push_run_id_fk" FOREIGN KEY ("push_run_id") REFERENCES "public"."push_run"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "push_run" ADD CONSTRAINT "push_run_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "push_run" ADD CONSTRAINT "push_run_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "push_settings" ADD CONSTRAINT "push_settings_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "push_ledger_connection" ON "push_ledger" USING btree ("school_id","connection_id","entity");--> statement-breakpoint
CREATE INDEX "push_ledger_record" ON "push_ledger" USING btree ("school_id","record_id");--> statement-breakpoint
CREATE INDEX "push_row_action" ON "push_row" USING btree ("push_run_id","action","state","entity","key");--> statement-breakpoint
CREATE INDEX "push_run_connection" ON "push_run" USING btree ("school_id","connection_id","id");--> statement-breakpoint
CREATE INDEX "push_run_system" ON "push_run" USING btree ("school_id","system_id","state");--> statement-breakpoint
CREATE UNIQUE INDEX "push_run_one_queued" ON "push_run" USING btree ("connection_id") WHERE state = 'queued';--> statement-breakpoint
-- From here by hand.
select across.protect_tenant('push_settings'::regclass), across.protect_tenant('push_run'::regclass), across.protect_tenant('push_row'::regclass),
       across.protect_tenant('push_ledger'::regclass), across.protect_tenant('push_choice'::regclass);
--> statement-breakpoint
grant select, insert, update, delete on push_settings, push_run, push_row, push_ledger, push_choice to crosswalk_web, crosswalk_sync;
--> statement-breakpoint
-- The tables of a push, unlogged, the sync role's alone. Only a push of the transaction's own school has any.
create function across.open_push_staging(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  suffix text := replace(p_run::text, '-', '');
begin
  if not exists (select 1 from public.push_run where id = p_run and school_id = nullif(current_setting('app.school', true), '')::uuid) then
    raise exception 'no such push' using errcode = 'no_data_found';
  end if;
  execute format('create unlogged table staging.%I (entity text not null, key text not null, record_id uuid, name text, code text, email text, given text, family text, '
    || 'starts_on text, ends_on text, category_key text, term_key text, course_key text, parent_key text, user_key text, role text, kind text, '
    || 'made_email boolean not null default false, aside text, hash uuid generated always as (md5(coalesce(name, '''') || chr(31) || coalesce(code, '''') || chr(31) '
    || '|| coalesce(email, '''') || chr(31) || coalesce(given, '''') || chr(31) || coalesce(family, '''') || chr(31) || coalesce(starts_on, '''') || chr(31) '
    || '|| coalesce(ends_on, '''') || chr(31) || coalesce(category_key, '''') || chr(31) || coalesce(term_key, '''') || chr(31) || coalesce(course_key, '''') || chr(31) '
    || '|| coalesce(parent_key, '''') || chr(31) || coalesce(kind, ''''))::uuid) stored, primary key (entity, key)) with (autovacuum_enabled = false)', 'push_wanted_' || suffix);
  execute format('create index on staging.%I (record_id)', 'push_wanted_' || suffix);
  execute format('create unlogged table staging.%I (entity text not null, foreign_id text not null, key text, hidden boolean not null, name text, code text, email text, '
    || 'state text not null, user_foreign_id text, parent_foreign_id text, role text, primary key (entity, foreign_id)) with (autovacuum_enabled = false)', 'push_there_' || suffix);
  execute format('create index on staging.%I (entity, key)', 'push_there_' || suffix);
  execute format('create index on staging.%I (entity, lower(name)) where key is null', 'push_there_' || suffix);
  execute format('create index on staging.%I (entity, lower(code)) where key is null', 'push_there_' || suffix);
  execute format('create index on staging.%I (entity, lower(email)) where key is null', 'push_there_' || suffix);
  execute format('create unlogged table staging.%I (entity text not null, key text not null, record_id uuid, action text not null, reason text, foreign_id text, '
    || 'is_renamed boolean, primary key (entity, key)) with (autovacuum_enabled = false)', 'push_plan_' || suffix);
  execute format('create unlogged table staging.%I (entity text not null, ordinal bigint not null, key text not null, action text not null, foreign_id text, '
    || 'keeps_name boolean not null, primary key (entity, ordinal)) with (autovacuum_enabled = false)', 'push_pack_' || suffix);
  execute format('create index on staging.%I (entity, key)', 'push_pack_' || suffix);
  execute format('grant select, insert, update, delete, truncate, maintain on staging.%I, staging.%I, staging.%I, staging.%I to crosswalk_sync',
    'push_wanted_' || suffix, 'push_there_' || suffix, 'push_plan_' || suffix, 'push_pack_' || suffix);
end $$;
--> statement-breakpoint
create function across.close_push_staging(p_run uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  name text;
begin
  if not exists (select 1 from public.push_run where id = p_run and school_id = nullif(current_setting('app.school', true), '')::uuid) then
    return;
  end if;
  for name in select c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = 'staging' and c.relkind = 'r' and c.relname like 'push\_%\_' || replace(p_run::text, '-', '') loop
    execute format('drop table staging.%I', name);
  end loop;
  delete from staging.page where run_id = p_run;
end $$;
--> statement-breakpoint
-- A purge of a SIS's roster reaches what is staged for pushing it.
create function across.drop_push_staging(p_producer uuid) returns void language plpgsql security definer set search_path = '' as $$
declare
  run uuid;
begin
  for run in select id from public.push_run where producer_system_id = p_producer
                and school_id = nullif(current_setting('app.school', true), '')::uuid and state <> 'succeeded' loop
    perform across.close_push_staging(run);
  end loop;
end $$;
--> statement-breakpoint
grant execute on function across.open_push_staging to crosswalk_sync;
--> statement-breakpoint
grant execute on function across.close_push_staging, across.drop_push_staging to crosswalk_web, crosswalk_sync;
