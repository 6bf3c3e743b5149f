ALTER TABLE "system_replacement" DROP CONSTRAINT "system_replacement_state";--> statement-breakpoint
DROP INDEX "system_replacement_one";--> statement-breakpoint
ALTER TABLE "system_replacement" ADD COLUMN "undone_by" uuid;--> statement-breakpoint
ALTER TABLE "system_replacement" ADD COLUMN "wanted_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "system_replacement" ADD COLUMN "failed_code" text;--> statement-breakpoint
ALTER TABLE "system_replacement" ADD COLUMN "failed_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE UNIQUE INDEX "system_replacement_one" ON "system_replacement" USING btree ("school_id","old_system_id") WHERE state in ('reviewing', 'switching', 'switched', 'undoing');--> statement-breakpoint
ALTER TABLE "system_replacement" ADD CONSTRAINT "system_replacement_state" CHECK ("system_replacement"."state" in ('reviewing', 'switching', 'switched', 'undoing', 'undone', 'given-up'));