ALTER TABLE "roster_stream" ADD COLUMN "code" text;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "lease_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "held" jsonb;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "approved_fingerprint" text;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "decided_by" uuid;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "decided_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "sync_run_one_queued" ON "sync_run" USING btree ("school_id","system_id") WHERE state = 'queued';