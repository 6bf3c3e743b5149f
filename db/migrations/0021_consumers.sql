CREATE TABLE "access_token" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"consumer_client_id" uuid NOT NULL,
	"consumer_secret_id" uuid,
	"connection_id" uuid NOT NULL,
	"grant_id" uuid NOT NULL,
	"wire_scopes" text[] NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "access_token_hash" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "consumer_client" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"client_id" text NOT NULL,
	"jwks" jsonb,
	"jwks_url" text,
	"signed_calls" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "consumer_client_client_id" UNIQUE("client_id")
);
--> statement-breakpoint
CREATE TABLE "consumer_nonce" (
	"school_id" uuid NOT NULL,
	"consumer_client_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"hash" "bytea" NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "consumer_nonce_consumer_client_id_kind_hash_pk" PRIMARY KEY("consumer_client_id","kind","hash")
);
--> statement-breakpoint
CREATE TABLE "consumer_secret" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"consumer_client_id" uuid NOT NULL,
	"hash" "bytea" NOT NULL,
	"sealed" jsonb,
	"hint" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ends_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "single_use_link" DROP CONSTRAINT "single_use_link_purpose";--> statement-breakpoint
ALTER TABLE "connection" ADD COLUMN "way" text;--> statement-breakpoint
ALTER TABLE "connection" ADD COLUMN "direct_proof" jsonb;--> statement-breakpoint
ALTER TABLE "request" ADD COLUMN "asker_name" text;--> statement-breakpoint
ALTER TABLE "request" ADD COLUMN "asker_email" text;--> statement-breakpoint
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_consumer_client_id_consumer_client_id_fk" FOREIGN KEY ("consumer_client_id") REFERENCES "public"."consumer_client"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_consumer_secret_id_consumer_secret_id_fk" FOREIGN KEY ("consumer_secret_id") REFERENCES "public"."consumer_secret"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "access_token" ADD CONSTRAINT "access_token_grant_id_grant_id_fk" FOREIGN KEY ("grant_id") REFERENCES "public"."grant"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_client" ADD CONSTRAINT "consumer_client_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_client" ADD CONSTRAINT "consumer_client_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_nonce" ADD CONSTRAINT "consumer_nonce_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_nonce" ADD CONSTRAINT "consumer_nonce_consumer_client_id_consumer_client_id_fk" FOREIGN KEY ("consumer_client_id") REFERENCES "public"."consumer_client"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_secret" ADD CONSTRAINT "consumer_secret_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consumer_secret" ADD CONSTRAINT "consumer_secret_consumer_client_id_consumer_client_id_fk" FOREIGN KEY ("consumer_client_id") REFERENCES "public"."consumer_client"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "access_token_client" ON "access_token" USING btree ("school_id","consumer_client_id");--> statement-breakpoint
CREATE INDEX "access_token_expiry" ON "access_token" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "consumer_client_one_of_connection" ON "consumer_client" USING btree ("connection_id") WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX "consumer_client_school" ON "consumer_client" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "consumer_nonce_expiry" ON "consumer_nonce" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "consumer_secret_client" ON "consumer_secret" USING btree ("school_id","consumer_client_id");--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_way" CHECK ("connection"."way" in ('pull', 'push', 'direct'));--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_way_of_lms" CHECK ((consumer_kind = 'lms') = (way is not null) and (consumer_kind <> 'lms' or consumer_system_id is not null));--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_purpose" CHECK ("single_use_link"."purpose" in ('first-operator', 'invitation', 'password-reset', 'technical-contact', 'email-change', 'pairing'));
--> statement-breakpoint
-- From here by hand.
select across.protect_tenant(t) from unnest(array['consumer_client', 'consumer_secret', 'access_token', 'consumer_nonce']) as name,
  lateral (select quote_ident(name)::regclass as t) as r;
--> statement-breakpoint
grant select, insert, update on consumer_client, consumer_secret to crosswalk_web;
--> statement-breakpoint
grant select, insert, delete on access_token, consumer_nonce to crosswalk_web;
--> statement-breakpoint
-- A client is known by its public id before its school is.
create function across.consumer_client_by_id(p_client text) returns table (id uuid, school_id uuid)
language sql stable security definer set search_path = '' as $$
  select id, school_id from public.consumer_client where client_id = p_client
$$;
--> statement-breakpoint
grant execute on function across.consumer_client_by_id to crosswalk_web;
--> statement-breakpoint
-- What a consumer that asks for its data may have at this moment: the one rule for tokens, signed calls and the issuing of either. No row
-- where its client, its connection, the grant, the agreement or the school's own switch says no.
create function across.live_consumer(p_client uuid, p_now timestamptz)
returns table (school_id uuid, connection_id uuid, grant_id uuid, consumer_client_id uuid, producer_system_id uuid, scopes text[],
               without_fields text[], sharing_rule jsonb)
language sql stable security definer set search_path = '' as $$
  select c.school_id, c.id, g.id, k.id, c.producer_system_id, g.scopes, g.without_fields, g.sharing_rule
    from public.consumer_client k
    join public.connection c on c.id = k.connection_id and c.school_id = k.school_id and c.way = 'pull' and c.state in ('live', 'failing')
    join public.school s on s.id = c.school_id and s.stopped_at is null and s.trust = 'trusted'
    join public."grant" g on g.connection_id = c.id and g.school_id = c.school_id and g.ended_at is null
   where k.id = p_client and k.revoked_at is null and (p_now at time zone s.time_zone)::date <= g.valid_until
     and exists (select 1 from public.agreement a where a.school_id = c.school_id and a.state in ('in-force', 'notice-given'))
$$;
--> statement-breakpoint
grant execute on function across.live_consumer to crosswalk_web;
--> statement-breakpoint
-- A token is found by its hash alone, and is good only for the grant that it was issued under while the secret that bought it is.
create function across.live_consumer_by_token(p_hash bytea, p_now timestamptz)
returns table (school_id uuid, connection_id uuid, grant_id uuid, consumer_client_id uuid, producer_system_id uuid, scopes text[],
               without_fields text[], sharing_rule jsonb, wire_scopes text[])
language sql stable security definer set search_path = '' as $$
  select l.*, t.wire_scopes
    from public.access_token t cross join lateral across.live_consumer(t.consumer_client_id, p_now) l
   where t.token_hash = p_hash and t.expires_at > p_now and l.grant_id = t.grant_id and l.school_id = t.school_id
     and (t.consumer_secret_id is null
       or exists (select 1 from public.consumer_secret x where x.id = t.consumer_secret_id and (x.ends_at is null or x.ends_at > p_now)))
$$;
--> statement-breakpoint
grant execute on function across.live_consumer_by_token to crosswalk_web;
--> statement-breakpoint
-- What may be asked of whom, in the database too: the marketplace no people, an LMS nothing but a SIS's roster.
create or replace function across.refuse_request_without_agreement() returns trigger language plpgsql security definer set search_path = '' as $$
declare consumer text; producer_kind text; wanted text[];
begin
  if new.state in ('requested', 'approved') and (tg_op = 'INSERT' or new.state is distinct from old.state) then
    if not exists (select 1 from public.agreement g where g.id = new.agreement_id and g.school_id = new.school_id
                    and g.state in ('in-force', 'notice-given')) then
      raise exception using errcode = 'CW001', message = 'agreement-not-in-force';
    end if;
  end if;
  if new.state = 'approved' and (tg_op = 'INSERT' or new.state is distinct from old.state) then
    if not exists (select 1 from public.school s where s.id = new.school_id and s.trust = 'trusted') then
      raise exception using errcode = 'CW003', message = 'school-not-trusted';
    end if;
  end if;
  select c.consumer_kind, y.kind into consumer, producer_kind from public.connection c
    join public.system y on y.id = c.producer_system_id where c.id = new.connection_id;
  select coalesce(array_agg(x->>'scope'), '{}') into wanted from jsonb_array_elements(new.scopes) x;
  if (consumer = 'marketplace' and not wanted <@ (case producer_kind when 'sis' then array['roster.subjects', 'roster.streams', 'roster.groups']
                                                                    else array['lms.courses'] end))
     or (consumer = 'lms' and not (producer_kind = 'sis' and wanted <@ array['roster.subjects', 'roster.streams', 'roster.groups', 'roster.classes',
           'roster.teachers', 'roster.students', 'roster.guardians', 'roster.demographics'])) then
    raise exception using errcode = 'CW004', message = 'people-not-grantable';
  end if;
  return new;
end $$;
