CREATE TABLE "agreement" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"agent_id" uuid,
	"template_id" uuid NOT NULL,
	"state" text NOT NULL,
	"term_start" date NOT NULL,
	"term_end" date NOT NULL,
	"products" text[] NOT NULL,
	"price_note" text DEFAULT '' NOT NULL,
	"body" text NOT NULL,
	"data_processing_terms" text NOT NULL,
	"text_hash" text,
	"drafted_by" uuid NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"signatory_email" text,
	"signatory_name" text,
	"signed_by" uuid,
	"signed_name" text,
	"signed_at" timestamp (3) with time zone,
	"scan_document_id" uuid,
	"paper_signed_on" date,
	"paper_entered_by" uuid,
	"paper_confirmed_by" uuid,
	"paper_confirmed_at" timestamp (3) with time zone,
	"countersigned_by" uuid,
	"countersigned_name" text,
	"countersigned_at" timestamp (3) with time zone,
	"in_force_at" timestamp (3) with time zone,
	"declined_reason" text,
	"notice_by" text,
	"notice_reason" text,
	"notice_at" timestamp (3) with time zone,
	"ends_on" date,
	"grace_days" integer DEFAULT 30 NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"grace_ended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "agreement_state" CHECK ("agreement"."state" in ('draft', 'sent', 'signed', 'in-force', 'notice-given', 'ended', 'declined', 'withdrawn'))
);
--> statement-breakpoint
CREATE TABLE "agreement_template" (
	"id" uuid PRIMARY KEY NOT NULL,
	"agent_id" uuid,
	"name" text NOT NULL,
	"locale" text DEFAULT 'en' NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"body" text NOT NULL,
	"data_processing_terms" text NOT NULL,
	"standard_since" timestamp (3) with time zone,
	"retired_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "document" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"file_name" text NOT NULL,
	"content_type" text NOT NULL,
	"sha256" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	"uploaded_by" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "receipt" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"facts" jsonb NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "connection" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"consumer_kind" text NOT NULL,
	"consumer_system_id" uuid,
	"consumer_app_id" uuid,
	"producer_system_id" uuid NOT NULL,
	"state" text NOT NULL,
	"turn" text NOT NULL,
	"cause" text,
	"cause_details" jsonb,
	"state_changed_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"paused_by" text,
	"resumes_at" timestamp (3) with time zone,
	"last_received_at" timestamp (3) with time zone,
	"records" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "connection_state" CHECK ("connection"."state" in ('draft', 'requested', 'approved', 'connecting', 'live', 'paused', 'failing', 'declined', 'withdrawn', 'lapsed', 'revoked', 'expired')),
	CONSTRAINT "connection_turn" CHECK ("connection"."turn" in ('nobody', 'agent', 'agent-administrator', 'signatory', 'approver', 'technical-contact', 'school-administrator', 'operator', 'crosswalk')),
	CONSTRAINT "connection_consumer" CHECK ("connection"."consumer_kind" in ('marketplace', 'lms', 'app'))
);
--> statement-breakpoint
CREATE TABLE "consent" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"side" text NOT NULL,
	"status" text NOT NULL,
	"by_user_id" uuid,
	"by_name" text NOT NULL,
	"by_organisation_name" text NOT NULL,
	"purpose" text NOT NULL,
	"until" date NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "grant" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"scopes" text[] NOT NULL,
	"without_fields" text[] DEFAULT '{}' NOT NULL,
	"sharing_rule" jsonb NOT NULL,
	"purpose" text NOT NULL,
	"valid_from" timestamp (3) with time zone NOT NULL,
	"valid_until" date NOT NULL,
	"granted_by" uuid NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"end_reason" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "grant_has_scopes" CHECK (cardinality(scopes) > 0)
);
--> statement-breakpoint
CREATE TABLE "preview" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"request_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"counts" jsonb NOT NULL,
	"by_user_id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reminder" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"subject" text NOT NULL,
	"subject_id" uuid NOT NULL,
	"occasion" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "request" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"connection_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"state" text NOT NULL,
	"scopes" jsonb NOT NULL,
	"purpose" text NOT NULL,
	"until" date NOT NULL,
	"product" text NOT NULL,
	"origins" text[] DEFAULT '{}' NOT NULL,
	"agreement_id" uuid NOT NULL,
	"drafted_by" uuid,
	"drafted_as" text NOT NULL,
	"agent_id" uuid,
	"sent_by" uuid,
	"sent_at" timestamp (3) with time zone,
	"decided_by" uuid,
	"decided_at" timestamp (3) with time zone,
	"decline_reason" text,
	"void_reason" text,
	"fingerprint" text NOT NULL,
	"preview_skipped" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "request_state" CHECK ("request"."state" in ('draft', 'requested', 'approved', 'declined', 'withdrawn', 'lapsed', 'void'))
);
--> statement-breakpoint
CREATE TABLE "audit_entry" (
	"id" uuid PRIMARY KEY NOT NULL,
	"chain_id" uuid NOT NULL,
	"school_id" uuid,
	"seq" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"actor_kind" text NOT NULL,
	"actor_id" text,
	"actor_name" text,
	"action" text NOT NULL,
	"subject_kind" text NOT NULL,
	"subject_id" text,
	"details" jsonb NOT NULL,
	"previous_hash" "bytea" NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "audit_entry_seq" UNIQUE("chain_id","seq")
);
--> statement-breakpoint
CREATE TABLE "audit_head" (
	"chain_id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid,
	"seq" bigint NOT NULL,
	"hash" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "data_key" (
	"version" integer PRIMARY KEY NOT NULL,
	"wrapped" "bytea" NOT NULL,
	"master_key_id" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"retired_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"key" text NOT NULL,
	"value" jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "installation_key_pk" PRIMARY KEY("key")
);
--> statement-breakpoint
CREATE TABLE "mail" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid,
	"to_address" text NOT NULL,
	"to_name" text,
	"template" text NOT NULL,
	"locale" text DEFAULT 'en' NOT NULL,
	"sealed_parameters" jsonb,
	"subject" text,
	"html" text,
	"text" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"failed_at" timestamp (3) with time zone,
	"error_code" text
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid,
	"name" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"attempts" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "organisation" (
	"id" uuid PRIMARY KEY NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"country" text,
	"requires_totp" boolean DEFAULT false NOT NULL,
	"email_domains" text[] DEFAULT '{}' NOT NULL,
	"may_countersign" boolean DEFAULT false NOT NULL,
	"reviewed_at" timestamp (3) with time zone,
	"suspended_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "organisation_kind" CHECK ("organisation"."kind" in ('operator', 'agent', 'vendor', 'school'))
);
--> statement-breakpoint
CREATE TABLE "app_user" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"email_folded" text NOT NULL,
	"email_verified_at" timestamp (3) with time zone,
	"password_hash" text,
	"locale" text DEFAULT 'en' NOT NULL,
	"time_zone" text,
	"disabled_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "app_user_email_folded" UNIQUE("email_folded")
);
--> statement-breakpoint
CREATE TABLE "membership" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organisation_id" uuid NOT NULL,
	"school_id" uuid,
	"user_id" uuid NOT NULL,
	"role" text NOT NULL,
	"system_id" uuid,
	"site_id" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "membership_once" UNIQUE NULLS NOT DISTINCT("organisation_id","user_id","role","system_id","site_id","ended_at"),
	CONSTRAINT "membership_role" CHECK ("membership"."role" in ('operator', 'agent', 'agent-administrator', 'school-administrator', 'signatory', 'approver', 'technical-contact'))
);
--> statement-breakpoint
CREATE TABLE "oidc_identity" (
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"user_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "oidc_identity_issuer_subject_pk" PRIMARY KEY("issuer","subject")
);
--> statement-breakpoint
CREATE TABLE "recovery" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"new_administrator_email" text NOT NULL,
	"new_administrator_name" text NOT NULL,
	"reason" text NOT NULL,
	"started_by" uuid NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"not_before" timestamp (3) with time zone NOT NULL,
	"stopped_at" timestamp (3) with time zone,
	"stopped_by" uuid,
	"completed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "recovery_code" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"code_hash" "bytea" NOT NULL,
	"used_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session" (
	"id" uuid PRIMARY KEY NOT NULL,
	"user_id" uuid NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"state" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"last_seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"network" text,
	"user_agent" text,
	CONSTRAINT "session_token_hash" UNIQUE("token_hash"),
	CONSTRAINT "session_state" CHECK ("session"."state" in ('password-ok', 'full', 'revoked'))
);
--> statement-breakpoint
CREATE TABLE "sign_in_throttle" (
	"key_hash" "bytea" PRIMARY KEY NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"window_started_at" timestamp (3) with time zone NOT NULL,
	"blocked_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "single_use_link" (
	"id" uuid PRIMARY KEY NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"purpose" text NOT NULL,
	"organisation_id" uuid,
	"school_id" uuid,
	"system_id" uuid,
	"user_id" uuid,
	"email" text,
	"name" text,
	"roles" text[] DEFAULT '{}' NOT NULL,
	"created_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	"withdrawn_at" timestamp (3) with time zone,
	"attempts" smallint DEFAULT 0 NOT NULL,
	"needs_sign_in" boolean DEFAULT false NOT NULL,
	CONSTRAINT "single_use_link_token_hash" UNIQUE("token_hash"),
	CONSTRAINT "single_use_link_purpose" CHECK ("single_use_link"."purpose" in ('first-operator', 'invitation', 'password-reset', 'technical-contact', 'email-change'))
);
--> statement-breakpoint
CREATE TABLE "totp" (
	"user_id" uuid PRIMARY KEY NOT NULL,
	"sealed_secret" jsonb NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"last_step" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "lms_course" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"name" text NOT NULL,
	"code" text,
	"sis_id" text,
	"state" text,
	"term_name" text,
	"account_name" text,
	CONSTRAINT "lms_course_source" UNIQUE("school_id","system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_group" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"kind" text NOT NULL,
	"title" text NOT NULL,
	"code" text,
	"grades" text[] DEFAULT '{}' NOT NULL,
	"subjects" text[] DEFAULT '{}' NOT NULL,
	"subject_source_id" text,
	"site_source_id" text,
	"stream_source_id" text,
	"term_source_ids" text[] DEFAULT '{}' NOT NULL,
	CONSTRAINT "roster_group_source" UNIQUE("school_id","system_id","source_id"),
	CONSTRAINT "roster_group_kind" CHECK ("roster_group"."kind" in ('group', 'class'))
);
--> statement-breakpoint
CREATE TABLE "roster_site" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"identifier" text,
	"parent_source_id" text,
	"site_id" uuid,
	CONSTRAINT "roster_site_source" UNIQUE("school_id","system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_stream" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"name" text NOT NULL,
	"programme" text,
	"level" text,
	"year" text,
	"derived_from" text NOT NULL,
	CONSTRAINT "roster_stream_source" UNIQUE("school_id","system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_subject" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"title" text NOT NULL,
	"course_code" text,
	"grades" text[] DEFAULT '{}' NOT NULL,
	"subjects" text[] DEFAULT '{}' NOT NULL,
	"subject_codes" text[] DEFAULT '{}' NOT NULL,
	"site_source_id" text,
	"school_year_source_id" text,
	CONSTRAINT "roster_subject_source" UNIQUE("school_id","system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "roster_term" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"source_id" text NOT NULL,
	"content_hash" text NOT NULL,
	"source_modified_at" timestamp (3) with time zone,
	"missed_fetches" integer DEFAULT 0 NOT NULL,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"last_seen_at" timestamp (3) with time zone NOT NULL,
	"gone_at" timestamp (3) with time zone,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"starts_on" text NOT NULL,
	"ends_on" text NOT NULL,
	"school_year" text,
	"parent_source_id" text,
	CONSTRAINT "roster_term_source" UNIQUE("school_id","system_id","source_id")
);
--> statement-breakpoint
CREATE TABLE "set_aside_record" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"sync_run_id" uuid NOT NULL,
	"collection" text NOT NULL,
	"source_id" text,
	"field" text,
	"reason" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sync_run" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"trigger" text NOT NULL,
	"state" text NOT NULL,
	"phase" text,
	"progress" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"deviations" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"scopes" text[] DEFAULT '{}' NOT NULL,
	"error_code" text,
	"error_details" jsonb,
	"requested_by" uuid,
	"fence" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "sync_run_state" CHECK ("sync_run"."state" in ('queued', 'running', 'succeeded', 'failed', 'held', 'discarded')),
	CONSTRAINT "sync_run_phase" CHECK ("sync_run"."phase" in ('fetch', 'stage', 'plan', 'guard', 'apply', 'announce'))
);
--> statement-breakpoint
CREATE TABLE "prospect" (
	"id" uuid PRIMARY KEY NOT NULL,
	"agent_id" uuid NOT NULL,
	"school_id" uuid NOT NULL,
	"name" text NOT NULL,
	"register" text NOT NULL,
	"register_number" text NOT NULL,
	"country" text NOT NULL,
	"time_zone" text NOT NULL,
	"sites" jsonb NOT NULL,
	"contacts" jsonb NOT NULL,
	"note" text,
	"archived_at" timestamp (3) with time zone,
	"created_by" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "prospect_register" UNIQUE("agent_id","register","register_number")
);
--> statement-breakpoint
CREATE TABLE "school" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"register" text NOT NULL,
	"register_number" text NOT NULL,
	"country" text NOT NULL,
	"time_zone" text NOT NULL,
	"trust" text DEFAULT 'unverified' NOT NULL,
	"trust_ground" text,
	"trusted_at" timestamp (3) with time zone,
	"register_domain" text,
	"stopped_at" timestamp (3) with time zone,
	"stopped_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "school_trust" CHECK ("school"."trust" in ('unverified', 'in-review', 'trusted', 'refused')),
	CONSTRAINT "school_register_kind" CHECK ("school"."register" in ('NCES', 'URN', 'BRIN', 'Schulnummer', 'UAI', 'other'))
);
--> statement-breakpoint
CREATE TABLE "site" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"name" text NOT NULL,
	"register_number" text,
	"place" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "site_name" UNIQUE("school_id","name")
);
--> statement-breakpoint
CREATE TABLE "credential" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"state" text NOT NULL,
	"sealed" jsonb,
	"sealed_tokens" jsonb,
	"tokens_expire_at" timestamp (3) with time zone,
	"token_generation" integer DEFAULT 0 NOT NULL,
	"hint" text DEFAULT '' NOT NULL,
	"proof" jsonb,
	"proved_at" timestamp (3) with time zone,
	"refused_at" timestamp (3) with time zone,
	"refused_code" text,
	"entered_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"destroyed_at" timestamp (3) with time zone,
	CONSTRAINT "credential_state" CHECK ("credential"."state" in ('entered', 'proved', 'refused', 'destroyed'))
);
--> statement-breakpoint
CREATE TABLE "oauth_attempt" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"credential_id" uuid NOT NULL,
	"state_hash" text NOT NULL,
	"sealed_verifier" jsonb,
	"with_pkce" boolean DEFAULT true NOT NULL,
	"redirect_uri" text NOT NULL,
	"session_id" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "oauth_attempt_state" UNIQUE("state_hash")
);
--> statement-breakpoint
CREATE TABLE "system" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"connector" text NOT NULL,
	"name" text NOT NULL,
	"settings" jsonb NOT NULL,
	"origins" text[] DEFAULT '{}' NOT NULL,
	"host_confirmed_by" uuid,
	"host_confirmed_at" timestamp (3) with time zone,
	"removed_at" timestamp (3) with time zone,
	"created_by" uuid,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "system_kind" CHECK ("system"."kind" in ('sis', 'lms'))
);
--> statement-breakpoint
CREATE TABLE "system_call" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"system_id" uuid NOT NULL,
	"sync_run_id" uuid,
	"at" timestamp (3) with time zone NOT NULL,
	"purpose" text NOT NULL,
	"method" text NOT NULL,
	"path" text NOT NULL,
	"status" integer,
	"rows" integer,
	"milliseconds" integer NOT NULL,
	"error_code" text
);
--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_agent_id_organisation_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_template_id_agreement_template_id_fk" FOREIGN KEY ("template_id") REFERENCES "public"."agreement_template"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_drafted_by_app_user_id_fk" FOREIGN KEY ("drafted_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_signed_by_app_user_id_fk" FOREIGN KEY ("signed_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_paper_entered_by_app_user_id_fk" FOREIGN KEY ("paper_entered_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_paper_confirmed_by_app_user_id_fk" FOREIGN KEY ("paper_confirmed_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_countersigned_by_app_user_id_fk" FOREIGN KEY ("countersigned_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_template" ADD CONSTRAINT "agreement_template_agent_id_organisation_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document" ADD CONSTRAINT "document_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "document" ADD CONSTRAINT "document_uploaded_by_app_user_id_fk" FOREIGN KEY ("uploaded_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "receipt" ADD CONSTRAINT "receipt_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_consumer_system_id_system_id_fk" FOREIGN KEY ("consumer_system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connection" ADD CONSTRAINT "connection_producer_system_id_system_id_fk" FOREIGN KEY ("producer_system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent" ADD CONSTRAINT "consent_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent" ADD CONSTRAINT "consent_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consent" ADD CONSTRAINT "consent_request_id_request_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."request"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grant" ADD CONSTRAINT "grant_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grant" ADD CONSTRAINT "grant_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grant" ADD CONSTRAINT "grant_request_id_request_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."request"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "preview" ADD CONSTRAINT "preview_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "preview" ADD CONSTRAINT "preview_request_id_request_id_fk" FOREIGN KEY ("request_id") REFERENCES "public"."request"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reminder" ADD CONSTRAINT "reminder_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "request" ADD CONSTRAINT "request_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "request" ADD CONSTRAINT "request_connection_id_connection_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "request" ADD CONSTRAINT "request_agreement_id_agreement_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreement"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_entry" ADD CONSTRAINT "audit_entry_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_head" ADD CONSTRAINT "audit_head_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_system_id_system_id_fk" FOREIGN KEY ("system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "membership" ADD CONSTRAINT "membership_site_id_site_id_fk" FOREIGN KEY ("site_id") REFERENCES "public"."site"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "oidc_identity" ADD CONSTRAINT "oidc_identity_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recovery" ADD CONSTRAINT "recovery_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recovery" ADD CONSTRAINT "recovery_started_by_app_user_id_fk" FOREIGN KEY ("started_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recovery" ADD CONSTRAINT "recovery_stopped_by_app_user_id_fk" FOREIGN KEY ("stopped_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recovery_code" ADD CONSTRAINT "recovery_code_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_organisation_id_organisation_id_fk" FOREIGN KEY ("organisation_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_system_id_system_id_fk" FOREIGN KEY ("system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "single_use_link" ADD CONSTRAINT "single_use_link_created_by_app_user_id_fk" FOREIGN KEY ("created_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "totp" ADD CONSTRAINT "totp_user_id_app_user_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."app_user"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lms_course" ADD CONSTRAINT "lms_course_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_group" ADD CONSTRAINT "roster_group_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_site" ADD CONSTRAINT "roster_site_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_stream" ADD CONSTRAINT "roster_stream_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_subject" ADD CONSTRAINT "roster_subject_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "roster_term" ADD CONSTRAINT "roster_term_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "set_aside_record" ADD CONSTRAINT "set_aside_record_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "set_aside_record" ADD CONSTRAINT "set_aside_record_sync_run_id_sync_run_id_fk" FOREIGN KEY ("sync_run_id") REFERENCES "public"."sync_run"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_run" ADD CONSTRAINT "sync_run_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_run" ADD CONSTRAINT "sync_run_system_id_system_id_fk" FOREIGN KEY ("system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prospect" ADD CONSTRAINT "prospect_agent_id_organisation_id_fk" FOREIGN KEY ("agent_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prospect" ADD CONSTRAINT "prospect_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "school" ADD CONSTRAINT "school_id_organisation_id_fk" FOREIGN KEY ("id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "site" ADD CONSTRAINT "site_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credential" ADD CONSTRAINT "credential_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "credential" ADD CONSTRAINT "credential_system_id_system_id_fk" FOREIGN KEY ("system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "oauth_attempt" ADD CONSTRAINT "oauth_attempt_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "oauth_attempt" ADD CONSTRAINT "oauth_attempt_system_id_system_id_fk" FOREIGN KEY ("system_id") REFERENCES "public"."system"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "system" ADD CONSTRAINT "system_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "system_call" ADD CONSTRAINT "system_call_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "agreement_school" ON "agreement" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "agreement_agent" ON "agreement" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "agreement_template_agent" ON "agreement_template" USING btree ("agent_id");--> statement-breakpoint
CREATE INDEX "document_school" ON "document" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "receipt_school" ON "receipt" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "connection_school" ON "connection" USING btree ("school_id");--> statement-breakpoint
CREATE UNIQUE INDEX "connection_one_living_edge" ON "connection" USING btree ("school_id","consumer_kind",coalesce(consumer_system_id, consumer_app_id, school_id),"producer_system_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "consent_connection" ON "consent" USING btree ("school_id","connection_id");--> statement-breakpoint
CREATE INDEX "grant_school" ON "grant" USING btree ("school_id");--> statement-breakpoint
CREATE UNIQUE INDEX "grant_one_live" ON "grant" USING btree ("connection_id") WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX "preview_request" ON "preview" USING btree ("school_id","request_id");--> statement-breakpoint
CREATE UNIQUE INDEX "reminder_once" ON "reminder" USING btree ("school_id","subject_id","occasion");--> statement-breakpoint
CREATE INDEX "request_school" ON "request" USING btree ("school_id","state");--> statement-breakpoint
CREATE INDEX "request_connection" ON "request" USING btree ("connection_id");--> statement-breakpoint
CREATE UNIQUE INDEX "request_one_open" ON "request" USING btree ("connection_id") WHERE state in ('draft', 'requested');--> statement-breakpoint
CREATE INDEX "audit_entry_subject" ON "audit_entry" USING btree ("school_id","subject_id");--> statement-breakpoint
CREATE INDEX "mail_unsent" ON "mail" USING btree ("sent_at");--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("sent_at","id");--> statement-breakpoint
CREATE INDEX "membership_user" ON "membership" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "membership_school" ON "membership" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "oidc_identity_user" ON "oidc_identity" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "recovery_school" ON "recovery" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "recovery_code_user" ON "recovery_code" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "session_user" ON "session" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "single_use_link_school" ON "single_use_link" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "set_aside_run" ON "set_aside_record" USING btree ("school_id","sync_run_id");--> statement-breakpoint
CREATE INDEX "sync_run_system" ON "sync_run" USING btree ("school_id","system_id","created_at");--> statement-breakpoint
CREATE INDEX "prospect_school" ON "prospect" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "school_register" ON "school" USING btree ("register","register_number");--> statement-breakpoint
CREATE INDEX "credential_system" ON "credential" USING btree ("school_id","system_id");--> statement-breakpoint
CREATE INDEX "system_school" ON "system" USING btree ("school_id");--> statement-breakpoint
CREATE INDEX "system_call_system" ON "system_call" USING btree ("school_id","system_id","at");