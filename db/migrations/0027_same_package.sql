ALTER TABLE "roster_upload" ADD COLUMN "contents" text;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "inputs" text;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "same_as" uuid;