CREATE TABLE "agreement_move" (
	"id" uuid PRIMARY KEY NOT NULL,
	"school_id" uuid NOT NULL,
	"agreement_id" uuid NOT NULL,
	"from_agent_id" uuid,
	"to_agent_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"proposed_by" uuid NOT NULL,
	"proposed_at" timestamp (3) with time zone NOT NULL,
	"answer" text,
	"answered_by" uuid,
	"answered_name" text,
	"answered_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "register_entry" (
	"register" text NOT NULL,
	"register_number" text NOT NULL,
	"name" text NOT NULL,
	"domain" text,
	"imported_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "register_entry_register_register_number_pk" PRIMARY KEY("register","register_number")
);
--> statement-breakpoint
CREATE TABLE "school_registration" (
	"id" uuid PRIMARY KEY NOT NULL,
	"token_hash" "bytea" NOT NULL,
	"school_name" text NOT NULL,
	"register" text NOT NULL,
	"register_number" text NOT NULL,
	"country" text NOT NULL,
	"time_zone" text NOT NULL,
	"person_name" text NOT NULL,
	"email" text NOT NULL,
	"email_folded" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone,
	CONSTRAINT "school_registration_token_hash" UNIQUE("token_hash"),
	CONSTRAINT "school_registration_register" CHECK ("school_registration"."register" in ('NCES', 'URN', 'BRIN', 'Schulnummer', 'UAI', 'other'))
);
--> statement-breakpoint
ALTER TABLE "agreement" ADD COLUMN "attachment_document_id" uuid;--> statement-breakpoint
ALTER TABLE "agreement" ADD COLUMN "signed_hash" text;--> statement-breakpoint
ALTER TABLE "agreement" ADD COLUMN "declined_by" text;--> statement-breakpoint
ALTER TABLE "school" ADD COLUMN "trust_note" text;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_school_id_school_id_fk" FOREIGN KEY ("school_id") REFERENCES "public"."school"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_agreement_id_agreement_id_fk" FOREIGN KEY ("agreement_id") REFERENCES "public"."agreement"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_from_agent_id_organisation_id_fk" FOREIGN KEY ("from_agent_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_to_agent_id_organisation_id_fk" FOREIGN KEY ("to_agent_id") REFERENCES "public"."organisation"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_proposed_by_app_user_id_fk" FOREIGN KEY ("proposed_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_move" ADD CONSTRAINT "agreement_move_answered_by_app_user_id_fk" FOREIGN KEY ("answered_by") REFERENCES "public"."app_user"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "agreement_move_school" ON "agreement_move" USING btree ("school_id");--> statement-breakpoint
CREATE UNIQUE INDEX "agreement_move_one_open" ON "agreement_move" USING btree ("agreement_id") WHERE answer is null;--> statement-breakpoint
CREATE INDEX "school_registration_email" ON "school_registration" USING btree ("email_folded");--> statement-breakpoint
CREATE UNIQUE INDEX "agreement_one_in_force" ON "agreement" USING btree ("school_id",coalesce(agent_id, '00000000-0000-0000-0000-000000000000')) WHERE state in ('in-force', 'notice-given');